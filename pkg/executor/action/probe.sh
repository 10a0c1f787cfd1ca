# shellcheck shell=sh disable=SC2154,SC2209
# Answers end in NUL, as names may hold anything else:
#   k SUM          sums are made by it
#   l I TARGET     a symlink stands at path I
#   s I I…         then a line for each: mode/size/uid/gid/user/group
#   h I I…         then a line for each: the sum
#   d PATH, f PATH found below the root
#   c              then the content of the file, up to the end
LC_ALL=C
export LC_ALL
op_nl='
'
printf 'k %s\0' "$op_k"

if stat -c %A / >/dev/null 2>&1; then
	op_stat() { stat -c '%A/%s/%u/%g/%U/%G' "$@"; }
else
	op_stat() {
		for op_f; do
			op_a=$(ls -ldn "$op_f") op_b=$(ls -ld "$op_f")
			read -r op_p _ op_u op_g op_s _ <<-EOF
				$op_a
			EOF
			read -r _ _ op_un op_gn _ <<-EOF
				$op_b
			EOF
			echo "$op_p/$op_s/$op_u/$op_g/$op_un/$op_gn"
		done
	}
fi

# op_see FIRST PATH…: what stands at these paths, which are numbered from FIRST.
op_see() {
	op_i=$1 op_is='' op_hs=''
	shift
	op_c=$#
	while [ "$op_c" -gt 0 ]; do
		if [ -L "$1" ]; then
			op_t=$(readlink "$1" && echo .)
			printf 'l %s %s\0' "$op_i" "${op_t%??}"
		elif [ -e "$1" ]; then
			op_is="$op_is $op_i"
			set -- "$@" "$1"
		fi
		shift
		op_i=$((op_i + 1)) op_c=$((op_c - 1))
	done
	[ $# -gt 0 ] || return 0
	printf 's%s\n' "$op_is"
	op_stat "$@"
	printf '\0'
	# A sum of a file that may not be read is not made; it differs, then.
	op_c=$#
	while [ "$op_c" -gt 0 ]; do
		op_i=${op_is# }
		op_i=${op_i%% *}
		op_is=${op_is#" $op_i"}
		if [ -f "$1" ] && [ -r "$1" ]; then
			case $1 in
			*"$op_nl"* | *\\*) printf 'h %s\n%s\0' "$op_i" "$(op_sum <"$1")" ;;
			*)
				op_hs="$op_hs $op_i"
				set -- "$@" "$1"
				;;
			esac
		fi
		shift
		op_c=$((op_c - 1))
	done
	[ $# -gt 0 ] || return 0
	printf 'h%s\n' "$op_hs"
	op_sum "$@"
	printf '\0'
}

# op_list: all that stands below the root.
op_list() {
	[ -d "$op_root" ] || return 0
	(
		cd "$op_root" || exit
		# shellcheck disable=SC2016
		find . ! -name . -exec sh -c 'for f; do if [ -d "$f" ] && [ ! -L "$f" ]; then k=d; else k=f; fi; printf "%s %s\0" "$k" "${f#./}"; done' sh {} +
	)
}

# op_show PATH LIMIT: the content of a file that is not larger.
op_show() {
	[ -f "$1" ] && [ -r "$1" ] && [ "$(($(wc -c <"$1")))" -le "$2" ] || return 0
	printf 'c\0'
	cat "$1"
}
