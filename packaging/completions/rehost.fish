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

# Keys, or the values of the one that is being written.
function __rehost_keys
	if string match -q '*=*' -- (string replace -r '^--set=' '' -- (commandline -ct))
		__rehost_all_keys | string match -r '^[^\t]*=[^\t]+$'
	else
		__rehost_all_keys | string match '*='\t'*'
	end
end

function __rehost_limits
	__rehost_keys | string replace -rf '^limits\.' ''
end
