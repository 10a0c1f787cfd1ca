# shellcheck shell=sh disable=SC2154
op_keep=${OPSCTL_RUN_DIR:?}/keep/$op_key
[ -d "$op_keep" ] || op_fail "take it back: what was replaced was not kept in $op_keep"

# op_octal PERMISSIONS: sets op_mode to what ls writes as drwxr-sr-t.
op_octal() {
	op_mode=0
	case $1 in ?r*) op_mode=$((op_mode + 256)) ;; esac
	case $1 in ??w*) op_mode=$((op_mode + 128)) ;; esac
	case $1 in ???[xs]*) op_mode=$((op_mode + 64)) ;; esac
	case $1 in ???[sS]*) op_mode=$((op_mode + 2048)) ;; esac
	case $1 in ????r*) op_mode=$((op_mode + 32)) ;; esac
	case $1 in ?????w*) op_mode=$((op_mode + 16)) ;; esac
	case $1 in ??????[xs]*) op_mode=$((op_mode + 8)) ;; esac
	case $1 in ??????[sS]*) op_mode=$((op_mode + 1024)) ;; esac
	case $1 in ???????r*) op_mode=$((op_mode + 4)) ;; esac
	case $1 in ????????w*) op_mode=$((op_mode + 2)) ;; esac
	case $1 in ?????????[xt]*) op_mode=$((op_mode + 1)) ;; esac
	case $1 in ?????????[tT]*) op_mode=$((op_mode + 512)) ;; esac
	op_mode=$(printf %05o "$op_mode") # five digits also take setgid off a directory
}

# op_back NUMBER PATH TEMPORARY: one entry of a record, in one of the passes. Children come before parents.
op_back() {
	case $op_pass in
	dirs) [ ! -e "$op_at/$1.dir" ] || [ -d "$2" ] || mkdir -p "$2" ;;
	files)
		[ -z "$3" ] || ! op_there "$3" || rm -f "$3"
		[ ! -e "$op_at/$1.dir" ] && op_there "$op_at/$1" || return 0
		cp -pPR "$op_at/$1" "$3"
		op_times "$op_at/$1" "$3"
		op_rename "$3" "$2"
		;;
	absent)
		[ -e "$op_at/$1.absent" ] && op_there "$2" || return 0
		if op_isdir "$2"; then
			rmdir "${2%/.}" 2>/dev/null || printf '%s stays: it holds what was not put there by this step\n' "${2%/.}" >&2
		else
			rm -f "$2"
		fi
		;;
	attributes)
		[ -e "$op_at/$1.dir" ] || return 0
		read -r op_p _ op_u op_g _ <"$op_at/$1.dir"
		op_ls=$(ls -ldn "$2")
		read -r op_p2 _ op_u2 op_g2 _ <<-EOF
			$op_ls
		EOF
		[ "$op_u:$op_g" = "$op_u2:$op_g2" ] || chown "$op_u:$op_g" "$2"
		op_octal "$op_p2"
		op_m2=$op_mode
		op_octal "$op_p"
		[ "$op_mode" = "$op_m2" ] || chmod "$op_mode" "$2"
		# The times of a directory of somebody else, such as /tmp, are not ours to set.
		touch -r "$op_at/$1" "$2" 2>/dev/null || :
		;;
	esac
}

op_n=1
while [ -e "$op_keep/$op_n" ]; do op_n=$((op_n + 1)); done
while [ $op_n -gt 1 ]; do
	op_n=$((op_n - 1))
	op_at=$op_keep/$op_n
	op_root=$(cat "$op_at/root" && echo .)
	op_root=${op_root%.}
	for op_pass in dirs files absent attributes; do
		# shellcheck disable=SC1091
		. "$op_at/entries"
	done
done
