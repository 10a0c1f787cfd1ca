# shellcheck shell=sh disable=SC2154

# op_resolve PATH: sets op_root to PATH, or to what it is a symlink to.
op_resolve() {
	op_root=$1 op_i=0
	while [ -L "$op_root" ]; do
		[ $op_i -lt 40 ] || op_fail "follow the symlinks from $1: there are too many"
		op_i=$((op_i + 1))
		op_t=$(readlink "$op_root" && echo .) || op_fail "read the symlink $op_root"
		op_t=${op_t%??}
		case $op_t in
		/*) op_root=$op_t ;;
		*) op_root=${op_root%/*}/$op_t ;;
		esac
	done
}

op_want_file() {
	! op_isdir "$1" || op_fail "put a file at $1: a directory is there"
	op_want_room "$1"
}
op_want_dir() {
	! op_there "$1" || [ -d "$1" ] || op_fail "make the directory $1: something else is there"
	op_want_room "$1"
}
# A symlink inside the directory that is copied to would lead out of it.
op_want_own_dir() { op_isdir "$1" || ! op_there "$1" || op_fail "make the directory $1: something else is there"; }
op_want_link() { [ -L "$1" ] || [ ! -e "$1" ] || op_fail "switch the symlink $1: something else is there"; }
op_want_room() { [ "$1" ] || op_fail 'use an empty path'; }
op_want_staged() { [ -r "$1" ] || op_fail "read $1: $(id -un) may not see the files that were sent"; }

# op_begin KEY: a record begins. One that was never finished is of a do that changed nothing.
op_begin() {
	[ "${OPSCTL_RUN_DIR-}" ] || op_fail 'keep what is replaced: there is no run directory'
	op_keep=$OPSCTL_RUN_DIR/keep/$1
	mkdir -p "$op_keep"
	op_new=$op_keep/new
	rm -rf "$op_new"
	mkdir "$op_new"
	printf %s "$op_root" >"$op_new/root"
}

# op_record NUMBER PATH: how it is now.
op_record() {
	if ! op_there "$2"; then
		: >"$op_new/$1.absent"
	elif op_isdir "$2"; then
		mkdir "$op_new/$1"
		ls -ldn "$2" >"$op_new/$1.dir"
		touch -r "$2" "$op_new/$1"
	else
		cp -pPR "$2" "$op_new/$1" || op_fail "keep a copy of $2"
		op_times "$2" "$op_new/$1"
	fi
}

# op_record_parent NUMBER DIR NEXT: recorded if DIR has to be made, or NEXT in it.
op_record_parent() {
	if [ ! -d "$2" ] || ! op_there "$3"; then op_record "$1" "$2"; fi
}

# op_commit ENTRIES: the record is finished, and the changes may begin.
op_commit() {
	printf %s "$1" >"$op_new/entries"
	op_n=1
	while [ -e "$op_keep/$op_n" ]; do op_n=$((op_n + 1)); done
	mv "$op_new" "$op_keep/$op_n"
}

# op_attr PATH MODE OWNER GROUP: only what is given. The owner first, as a change of it drops setuid.
op_attr() {
	[ -z "$3" ] || chown "$3" "$1"
	[ -z "$4" ] || chgrp "$4" "$1"
	[ -z "$2" ] || chmod "$2" "$1"
}

op_mkdir() {
	[ ! -d "$1" ] || return 0
	mkdir "$1"
	op_attr "$@"
}

# op_put STAGED PATH TEMPORARY MODE OWNER GROUP
op_put() {
	set -- "$1" "$2" "$3" "$4" "$5" "$6"
	if [ -z "$5" ] && [ "$op_uid" = 0 ] && [ -f "$2" ] && [ ! -L "$2" ]; then
		op_ls=$(ls -ldn "$2")
		read -r _ _ op_u op_g _ <<-EOF
			$op_ls
		EOF
		set -- "$1" "$2" "$3" "$4" "$op_u" "${6:-$op_g}"
	fi
	! op_there "$3" || rm -f "$3"
	# With set -C, never through a symlink that somebody planted. The usual mode needs no chmod, which counts with many files.
	case $4$5$6 in
	00644) (umask 022 && set -C && cat "$1" >"$3") ;;
	*)
		(set -C && cat "$1" >"$3")
		op_attr "$3" "$4" "$5" "$6"
		;;
	esac
	op_rename "$3" "$2"
}

# op_link TARGET PATH TEMPORARY
op_link() {
	! op_there "$3" || rm -f "$3"
	ln -s -- "$1" "$3"
	op_rename "$3" "$2"
}

# op_rewrite STAGED PATH TEMPORARY MODE: other content for a file whose mode, owner and group stay.
op_rewrite() {
	op_ls=$(ls -ldn "$2")
	read -r _ _ op_u op_g _ <<-EOF
		$op_ls
	EOF
	! op_there "$3" || rm -f "$3"
	(set -C && cat "$1" >"$3")
	op_ls=$(ls -ldn "$3")
	read -r _ _ op_u2 op_g2 _ <<-EOF
		$op_ls
	EOF
	[ "$op_u" = "$op_u2" ] || chown "$op_u" "$3" || op_fail "change $2: only its owner, or root, can do that and leave it theirs"
	[ "$op_g" = "$op_g2" ] || chgrp "$op_g" "$3" || op_fail "change $2: its group would not stay"
	chmod "$4" "$3"
	op_rename "$3" "$2"
}
