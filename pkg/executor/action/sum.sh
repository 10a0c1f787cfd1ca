# shellcheck shell=sh disable=SC2034,SC2209,SC2119,SC2120
# op_sum [FILE…]: the best sum that can be made here; op_k is its name.
if command -v sha256sum >/dev/null; then
	op_k=sha256
	op_sum() { sha256sum "$@"; }
elif command -v shasum >/dev/null; then
	op_k=sha256
	op_sum() { shasum -a 256 "$@"; }
elif command -v openssl >/dev/null; then
	op_k=sha256
	op_sum() { openssl dgst -sha256 -r "$@"; }
else
	op_k=cksum
	op_sum() { cksum "$@"; }
fi

# op_want_sum PATH SHA256 CKSUM: the file is still as it was when it was looked at.
op_want_sum() {
	# shellcheck disable=SC2154
	op_s=$([ -f "$1" ] && op_sum <"$1") || op_s=
	case "$op_k $op_s" in
	"sha256 $2"*) ;;
	"cksum $3" | "cksum $3 "*) ;;
	*) op_fail "change $1: it was changed by somebody else in the meantime" ;;
	esac
}
