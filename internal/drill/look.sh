# shellcheck shell=sh disable=SC2153,SC2088
# Reads lines "r PATH" (the path and all below it) and "e PATH" (the path alone) from stdin, and tells of each
# that is there, four fields that end in NUL: the path as asked, MODE/UID/GID/USER/GROUP, the target of a symlink,
# and the sum of a file. A field "!" in place of the path says that there is too much, and the rest why.
LC_ALL=C
export LC_ALL
set +eu

if command -v sha256sum >/dev/null 2>&1; then
	look_sum() { sha256sum; }
elif command -v shasum >/dev/null 2>&1; then
	look_sum() { shasum -a 256; }
elif command -v openssl >/dev/null 2>&1; then
	look_sum() { openssl dgst -sha256 -r; }
else
	look_sum() { cksum; }
fi

if stat -c %A / >/dev/null 2>&1; then
	look_stat() { stat -c '%A/%u/%g/%U/%G' "$1"; }
else
	look_stat() {
		look_a=$(ls -ldn "$1") look_b=$(ls -ld "$1")
		read -r look_p _ look_u look_g _ <<-END
			$look_a
		END
		read -r _ _ look_un look_gn _ <<-END
			$look_b
		END
		echo "$look_p/$look_u/$look_g/$look_un/$look_gn"
	}
fi

# look_at PATH: one entry, or nothing.
look_at() {
	[ -e "$1" ] || [ -L "$1" ] || return 0
	look_target='' look_content=''
	if [ -L "$1" ]; then
		look_target=$(readlink "$1" && echo .)
		look_target=${look_target%??}
	elif [ -f "$1" ]; then
		if [ -r "$1" ]; then
			look_content=$(look_sum <"$1")
			look_content=${look_content%% *}
		else
			look_content=unreadable
		fi
	fi
	printf '%s\0%s\0%s\0%s\0' "$1" "$(look_stat "$1")" "$look_target" "$look_content"
}

# look_size PATH: how many entries, and how many KiB.
look_size() {
	look_count=$(find "$1" 2>/dev/null | head -n $((LOOK_COUNT + 1)) | wc -l)
	look_kib=$(du -sk "$1" 2>/dev/null | cut -f 1)
	if [ "$((look_count))" -gt "$LOOK_COUNT" ]; then
		printf '!\0%s\0count\0\0' "$1"
		exit 0
	elif [ "${look_kib:-0}" -gt "$LOOK_KIB" ]; then
		printf '!\0%s\0bytes\0\0' "$1"
		exit 0
	fi
}

while IFS= read -r look_line; do
	look_path=${look_line#? }
	case $look_path in
	"~") look_path=$HOME ;;
	"~/"*) look_path=$HOME/${look_path#"~/"} ;;
	esac
	case $look_line in
	"e "*) look_at "$look_path" ;;
	*)
		if [ -d "$look_path" ] && [ ! -L "$look_path" ]; then
			look_size "$look_path"
			# Names may hold anything, also a newline; one is not told apart from two by its lines.
			find "$look_path" -exec sh -c 'for look_f; do printf "%s\0" "$look_f"; done' sh {} + 2>/dev/null |
				tr '\n\0' '\1\n' | while IFS= read -r look_f; do
				case $look_f in
				*"$(printf '\001')"*) look_f=$(printf '%s.' "$look_f" | tr '\1' '\n') look_f=${look_f%.} ;;
				esac
				look_at "$look_f"
			done
		else
			look_at "$look_path"
		fi
		;;
	esac
done
exit 0
