# What the tables above do not say: where the cursor is. Whatever is not completed here is left to readline, which knows
# files.

# _rehost_assign KEY=VALUE KEYS VALUES: what it may become, by the functions that list both.
_rehost_assign() {
	local word
	if [[ $1 != *=* ]]; then
		"$2"
		return
	fi
	for word in $("$3" "${1%%=*}"); do
		echo "${1%%=*}=$word"
	done
}

_rehost() {
	# Readline cuts words at '=' and ':'; the line is whole.
	local line=${COMP_LINE:0:COMP_POINT} words=() current='' value command='' option='' word
	local replies cut='' separator
	read -ra words <<<"$line"
	if [[ $line != *[[:space:]] ]]; then
		current=${words[-1]}
		unset 'words[-1]'
	fi
	for word in "${words[@]:1}"; do
		if [[ $option ]]; then
			option=''
		elif [[ $word == --*=* ]]; then
			:
		elif [[ $word == -c && $command ]]; then
			: # the flag --checksum
		elif [[ $word == -c ]]; then
			option=--config
		elif [[ $word == -* ]]; then
			! _rehost_takes_value "$word" || option=$word
		elif [[ ! $command ]]; then
			command=$word
		fi
	done

	value=$current
	if [[ ! $option && $current == --*=* ]]; then
		option=${current%%=*}
		value=${current#*=}
	fi
	if [[ $option == --set ]]; then
		replies=$(_rehost_assign "$value" _rehost_keys _rehost_key_values)
	elif [[ $option ]]; then
		replies=$(_rehost_values "$option")
	elif [[ $current == -* ]]; then
		replies=$(_rehost_options "$command")
	elif [[ $command == limits ]]; then
		replies=$(_rehost_assign "$value" _rehost_limits _rehost_limit_values)
	elif [[ $command ]]; then
		replies=$(_rehost_operands "$command")
	else
		replies=$(_rehost_commands)
	fi
	mapfile -t COMPREPLY < <(compgen -P "${current%"$value"}" -W "$replies" -- "$value")

	# Readline replaces only what is behind the last place where it has cut.
	for separator in '=' ':'; do
		if [[ $COMP_WORDBREAKS == *"$separator"* && $current == *"$separator"* ]]; then
			word=${current%"${current##*"$separator"}"}
			((${#word} < ${#cut})) || cut=$word
		fi
	done
	COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	[[ ${COMPREPLY[0]-} != *[=:] ]] || compopt -o nospace
}

complete -o bashdefault -o default -F _rehost rehost
