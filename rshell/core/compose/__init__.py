"""docker compose: whose project a line speaks of, and a file that was sent, key by key, to the model that runs.

stacks                    a line: its project, its file, what the operator says of projects of his own
models, services          a file: its top level, and one service of it as a judged container
keys, attached, reserved  what many keys share; mounts and ports; GPUs
nodes                     the strictly read YAML underneath
unwanted                  why a key is refused
"""
