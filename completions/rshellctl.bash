# bash completion for rshellctl(8)

_rshellctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=
    local -i index
    for ((index = 1; index < COMP_CWORD; index++)); do
        if [[ ${COMP_WORDS[index]} != -* ]]; then
            verb=${COMP_WORDS[index]}
            break
        fi
    done
    COMPREPLY=()

    if [[ -z $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'try explain check apply edit rollback log stop resume limits launcher -h --help --version' -- "$cur")
        return
    fi
    case $verb,$prev in
        try,--policy | explain,--policy | launcher,--gate)
            _rshellctl_files "$cur"
            return
            ;;
        log,--verdict)
            mapfile -t COMPREPLY < <(compgen -W 'allow refuse' -- "$cur")
            return
            ;;
        explain,--user | log,--user)
            mapfile -t COMPREPLY < <(compgen -u -- "$cur")
            return
            ;;
        try,--role | explain,--role | try,-c | stop,--reason | log,-n | log,--code | log,--session | log,--since | log,--until)
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        local options='-h --help'
        case $verb in
            try) options+=' --policy --role -c' ;;
            explain) options+=' --json --policy --user --role' ;;
            launcher) options+=' --gate' ;;
            apply | edit) options+=' --yes --dry-run' ;;
            rollback) options+=' --yes --dry-run --list' ;;
            log) options+=' -f -n --user --verdict --code --session --since --until --json' ;;
            stop) options+=' --reason' ;;
            check | limits | resume) ;;
            *) return ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $verb in
        check | apply | launcher) _rshellctl_files "$cur" ;;
        stop | resume) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    esac
}

_rshellctl_files() {
    compopt -o filenames 2>/dev/null # only readline knows it
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

complete -F _rshellctl rshellctl
