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
        local verbs='try explain check limits install upgrade uninstall doctor apply edit rollback log stop resume export launcher'
        mapfile -t COMPREPLY < <(compgen -W "$verbs -h --help --version" -- "$cur")
        return
    fi
    case $verb,$prev in
        try,--policy | explain,--policy | check,--compile | launcher,--gate | install,--policy | install,--key | \
            upgrade,--wheels | doctor,--identity)
            _rshellctl_files "$cur"
            return
            ;;
        explain,--user | install,--user | doctor,--user | export,--user | log,--user)
            mapfile -t COMPREPLY < <(compgen -u -- "$cur")
            return
            ;;
        install,--boundary)
            mapfile -t COMPREPLY < <(compgen -W 'gate direct' -- "$cur")
            return
            ;;
        log,--verdict)
            mapfile -t COMPREPLY < <(compgen -W 'allow refuse' -- "$cur")
            return
            ;;
        try,--role | explain,--role | try,-c | stop,--reason | log,-n | log,--code | log,--session | log,--since | log,--until)
            return
            ;;
        launcher,--of)
            mapfile -t COMPREPLY < <(compgen -W 'login gate rshellctl' -- "$cur")
            return
            ;;
        export,--output)
            _rshellctl_files "$cur"
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        local options='-h --help'
        case $verb in
            try) options+=' --policy --role -c' ;;
            explain) options+=' --json --policy --user --role' ;;
            launcher) options+=' --gate --of' ;;
            install) options+=' --dry-run --user --key --boundary --policy' ;;
            doctor) options+=' --user --json -v --probe --identity' ;;
            uninstall) options+=' --dry-run' ;;
            upgrade) options+=' --wheels' ;;
            export) options+=' --user --package --output' ;;
            check) options+=' --compile' ;;
            apply | edit) options+=' --yes --dry-run' ;;
            rollback) options+=' --yes --dry-run --list' ;;
            log) options+=' -f -n --user --verdict --code --session --since --until --json' ;;
            stop) options+=' --reason' ;;
            limits | resume) ;;
            *) return ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $verb in
        check | apply | launcher | upgrade) _rshellctl_files "$cur" ;;
        export) _rshellctl_export "$cur" ;;
        stop | resume) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    esac
}

# One word says what to export, and it is given once.
_rshellctl_export() {
    local word
    for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
        [[ $word == @(sudoers|sshd|nixos) ]] && return
    done
    mapfile -t COMPREPLY < <(compgen -W 'sudoers sshd nixos' -- "$1")
}

_rshellctl_files() {
    compopt -o filenames 2>/dev/null # only readline knows it
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

complete -F _rshellctl rshellctl
