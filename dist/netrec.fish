# fish completion for netrec(1), made of what it says in --help.
function __netrec_commands
    netrec --help 2>/dev/null | string match -rg '^  ([a-z][a-z-]*  +[A-Z].*)' | string replace -r '  +' \t
end

function __netrec_options
    set -l command (commandline -opc | string match -rv '^-' | sed -n 2p)
    netrec $command --help 2>/dev/null | string match -rag -- '(--[a-z][a-z0-9-]+)' | sort -u
end

complete -c netrec -n __fish_use_subcommand -f -a '(__netrec_commands)'
complete -c netrec -n 'string match -q -- "-*" (commandline -ct)' -f -a '(__netrec_options)'
complete -c netrec-record -n 'string match -q -- "-*" (commandline -ct)' -f -a '(netrec-record --help 2>/dev/null | string match -rag -- "(--[a-z][a-z0-9-]+)" | sort -u)'
