# What the tables above do not say: where the cursor is.

# The command on the line, or none.
function __rehost_command
	set -l value no
	for word in (commandline -opc)[2..-1]
		if test $value = yes
			set value no
		else if test "$word" = -c; or __rehost_takes_value $word
			set value yes
		else if not string match -q -- '-*' $word
			echo $word
			return
		end
	end
	echo none
end

function __rehost_is
	contains -- (__rehost_command) $argv
end

# Of keys and their values, as a function lists them: the keys, or the values where a key is written already.
function __rehost_assign
	if string match -q '*=*' -- (string replace -r '^--set=' '' -- (commandline -ct))
		$argv[1] | string match -r '^[^\t]*=[^\t]+$'
	else
		$argv[1] | string match '*='\t'*'
	end
end
