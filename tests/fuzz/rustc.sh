#!/bin/sh
# Compiles a crate of this workspace for the fuzzer, as RUSTC_WORKSPACE_WRAPPER: with AGENTSNOOP_FUZZ_FLAGS, unless it is a build
# script or a macro, which are for no target. Crates of others are compiled as they are shipped: their edges lead a fuzzer to
# nothing, and the engine of regular expressions takes most of its time to count them.
compiler=$1
shift
case " $* " in
*" --target "*) exec "$compiler" "$@" $AGENTSNOOP_FUZZ_FLAGS ;;
*) exec "$compiler" "$@" ;;
esac
