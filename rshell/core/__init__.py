"""The pure heart: text in, decision out. No I/O, no clock, no environment, no third party.

A line on its way:
  screen, reading, line      characters to a Script
  unwrap, builtins, decide   prefixes, bash -c and our own commands; then each program of the policy:
  grammar, values, rules     words to an Invocation, held against what grants it
  settle                     the same command again, with the facts that were looked up
  deny, suggest, nearest     why not, and what may do instead;  explain, help, complete: for who asks before

What a container may be, whoever asks for it:
  containers   the vocabulary;  parts/  images, mounts, ports, GPUs, and what stands behind a mount
  docker       the options of docker run
  build/       a Dockerfile and its context
  compose/     a compose file
  objects/     whose things a command touches
"""
