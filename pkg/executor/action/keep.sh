# shellcheck shell=sh
# What do and undo share.
LC_ALL=C
export LC_ALL
umask 077

op_fail() {
	printf 'cannot %s\n' "$1" >&2
	exit 1
}

# op_there PATH: is there anything, be it a symlink that leads nowhere?
op_there() { [ -e "$1" ] || [ -L "$1" ]; }

# op_isdir PATH: a directory, and not a symlink to one.
op_isdir() { [ -d "$1" ] && [ ! -L "$1" ]; }

# op_times FROM TO: some cp, such as that of busybox, keep whole seconds only.
op_times() { [ ! -f "$1" ] || [ -L "$1" ] || touch -r "$1" "$2"; }

# op_rename FROM TO: in one step, also where TO is a symlink to a directory, into which a plain mv would move.
op_rename() {
	if [ ! -d "$2" ]; then
		mv -f "$1" "$2"
	elif [ ! -L "$2" ]; then
		op_fail "replace $2: it is a directory"
	elif mv -fT "$1" "$2" 2>/dev/null || mv -fh "$1" "$2" 2>/dev/null; then
		:
	elif perl -e 'rename($ARGV[0], $ARGV[1]) or exit 1' "$1" "$2" 2>/dev/null; then
		:
	elif python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$1" "$2" 2>/dev/null; then
		:
	else # not in one step, but there is nothing here that could do better
		rm -f "$2"
		mv -f "$1" "$2"
	fi
}
