# shellcheck shell=sh disable=SC2034,SC2154
# The supervisor: sent over stdin to one long-lived `sh` a lane. POSIX sh, no bashisms; made to
# run in dash, bash, busybox ash, ksh and zsh as sh. Comments and indentation are left out on the wire.
#
# Before it come assignments:
#   op_nonce  starts every answer      op_kind  lane | control (asks about attempts, runs none)
#   op_base   state base, or empty     op_dir   name of the run directory
#   op_lane   name of this lane        op_make  new (may be made) | late (may be made, and says so) | old (must be there)
#   op_sudo   1 behind sudo            op_boot_file  where the boot id is read
#   op_sweep  days after which directories of other runs are removed, or empty
#   op_spool  bytes of an output that may lie here   op_head  bytes kept of its head, and of its tail
#
# Files in the run directory (0700), which belongs to one identity:
#   ID.o  the claim, and stdout        ID.e  stderr        ID.t ID.c  ended by deadline, by cancel
#   late  the directory was made by a resumed run   Z.LANE  room for the last record, where there is none
#   P.LANE  the log of a lane, append only, each line shorter than any write is atomic:
#     "A pid start boot"            the lane began
#     "R id ."                      it was asked to run id, and goes on to claim it
#     "L id ."                      it did not get the claim, or could not start: it will never run id
#     "S id leader timeout after"   the step runs; leader is its process, group and session
#     "X id status how"             it ended; how may be followed by +full, the disk was full, or +left:PID,PID, what lives on
#
# Every answer on stdout is raw bytes, then "\nNONCE WORDS\n". A request cut short has no last dot, and does nothing.
op_umask=$(umask)
umask 077
# A handler, not '': a step must not inherit SIGPIPE ignored.
trap : PIPE
exec 2>/dev/null
op_nl='
' op_m=''
op_say() { printf '\n%s %s\n' "$op_nonce" "$*"; }
# op_refuse CLASS MESSAGE: the lane cannot be; nothing after it on stdin is read.
op_refuse() { op_say H no "$1" "$2"; exit 0; }
op_mine() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }

# op_born PID: sets op_state, op_parent, op_start (a start time that tells a reused pid); fails if there is none.
if [ -r "/proc/$$/stat" ]; then
	op_born() {
		{ read -r op_s <"/proc/$1/stat"; } || return 1
		op_s=${op_s##*") "}
		# shellcheck disable=SC2086
		set -- $op_s
		op_state=$1 op_parent=$2
		shift 19
		op_start=$1
	}
	# op_group PGID: does anything of it live? A zombie does not.
	op_group() {
		kill -0 "-$1" || return 1
		for op_f in /proc/[0-9]*/stat; do
			{ read -r op_s <"$op_f"; } || continue
			op_s=${op_s##*") "}
			case $op_s in
			[ZX]*) ;;
			*" $1 "*)
				op_g=$1
				# shellcheck disable=SC2086
				set -- $op_s
				op_s=$3
				set -- "$op_g"
				[ "$op_s" = "$1" ] && return 0
				;;
			esac
		done
		return 1
	}
else
	op_born() {
		# shellcheck disable=SC2046
		set -- $(ps -o stat= -o ppid= -o lstart= -p "$1")
		[ "$#" -ge 3 ] || return 1
		op_state=${1%"${1#?}"} op_parent=$2
		shift 2
		op_start=$(IFS=_ && echo "$*")
	}
	op_group() { kill -0 "-$1"; }
fi

op_boot=
{ read -r op_boot <"$op_boot_file"; } || op_boot=$(sysctl -n kern.bootsessionuuid || sysctl -n kern.boottime | tr -c 'A-Za-z0-9\n' _)
[ "$op_boot" ] || op_boot=-

# The state base. It may be made with its parents; the run directory may not. Where that must be there already,
# neither is: another host may answer at the address.
op_mkbase() { [ -d "$op_base" ] || [ "$op_make" = old ] || op_m=$(LC_ALL=C mkdir "$@" "$op_base" 2>&1); }
if [ -z "$op_base" ]; then
	op_base=${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/opsctl/runs
	op_mkbase -p
	# Users such as www-data own no home. /var/tmp outlives a reboot; mkdir and the owner checked make it ours.
	if [ "$op_sudo" ] && ! op_mine "$op_base"; then
		op_base=/var/tmp/opsctl-$(id -u)
		op_mkbase
	fi
else
	op_mkbase -p
fi
op_room() {
	case $op_m in
	*"o space"* | *uota*) op_refuse disk-full "$1: $op_m" ;;
	esac
	op_refuse no-run-directory "$1${op_m:+: $op_m}"
}
{ op_mine "$op_base" && cd "$op_base"; } || op_room "$op_base cannot be made, or is not ours"
op_how=found op_m=
if [ "$op_make" != old ] && ! op_mine "$op_dir"; then
	# Never -p: it succeeds on what somebody else has planted.
	op_m=$(LC_ALL=C mkdir "$op_dir" 2>&1) && op_how=made
fi
{ op_mine "$op_dir" && cd "$op_dir"; } || op_room "$op_base/$op_dir is not there, or is not ours"
if [ "$op_make" = late ] && [ $op_how = made ]; then true >late || op_room "$op_base/$op_dir"; fi
[ -e late ] && op_how=late
# What nobody will take back any more goes, beside, while a new run begins: find and rm hold up nobody.
if [ "$op_sweep" ] && [ $op_how = made ]; then
	(cd .. && find . ! -name . -prune -type d -mtime "+$op_sweep" ! -name "$op_dir" -exec rm -rf {} +) </dev/null >/dev/null &
fi
OPSCTL_RUN_DIR=$PWD
export OPSCTL_RUN_DIR

# op_claim ID: true for one caller, once and for all. The claim is the step's own stdout, made O_EXCL by a
# builtin: it costs no process and no file more.
op_claim() {
	set -C
	if { true >"$1.o"; }; then
		set +C
		return 0
	fi
	set +C
	return 1
}

# op_show FILE FD: the first 64 KiB. What is short and text goes by builtins, which saves a process; that it
# is whole is known by the offset of the descriptor that the step wrote to. Where there is none: by head.
op_show() {
	[ -s "$1" ] || return 0
	if [ "$2" ] && { read -r _ op_p <"/proc/$$/fdinfo/$2"; } && [ "$op_p" -gt 0 ] && [ "$op_p" -le 768 ]; then
		op_v=
		while IFS= read -r op_l; do op_v=$op_v$op_l$op_nl; done <"$1"
		op_v=$op_v$op_l
		if [ "${#op_v}" = "$op_p" ]; then
			printf %s "$op_v"
			return 0
		fi
	fi
	head -c 65536 "$1"
}

# op_tell ID STATUS HOW [FD FD]: the whole answer to an attempt that ended.
op_tell() {
	op_show "$1.o" "$4"
	if [ -s "$1.e" ]; then
		op_say E
		op_show "$1.e" "$5"
	fi
	op_say X "$1" "$2" "$3"
}

# Q id .   What became of it? Asking closes the door: what has not begun never will.
Q() {
	[ "$#" = 2 ] && [ "$2" = . ] || return 0
	if op_claim "$1"; then
		op_say Q "$1" never
		return 0
	fi
	if [ ! -e "$1.o" ]; then
		op_say Q "$1" noroom
		return 0
	fi
	# The claim is taken. By a lane that logged R before it, or else by somebody who asked.
	op_q=never
	for op_log in P.*; do
		op_live=
		# The lane is looked at before its log: it writes before it dies.
		{ read -r _ op_p0 op_t0 _ <"$op_log"; } && op_born "$op_p0" && [ "$op_start" = "$op_t0" ] && [ "$op_state" != Z ] && op_live=1
		op_x=$(grep -F " $1 " "$op_log") || continue
		case $op_nl$op_x in
		*"${op_nl}X $1 "*)
			op_x=${op_x##*X "$1" }
			op_x=${op_x%%"$op_nl"*}
			op_tell "$1" "${op_x%% *}" "${op_x#* }"
			return 0
			;;
		*"${op_nl}L $1 .") continue ;;
		*"${op_nl}R $1 "*) ;;
		*) continue ;;
		esac
		if [ "$op_live" ]; then
			op_q=running
		else
			op_q=lost
			op_leader "$1" && op_q='lost alive'
		fi
	done
	op_say Q "$1" "$op_q"
}

# op_leader ID: sets op_pid to the leader of the step, op_after to its kill_after, op_log to the log it is in; fails if it is gone.
op_leader() {
	op_pid=
	for op_log in P.*; do
		op_x=$(grep -F "S $1 " "$op_log") && break
	done
	op_x=${op_x#"S $1 "}
	op_pid=${op_x%% *} op_after=${op_x##* }
	[ "$op_pid" ] && op_born "$op_pid" && [ "$op_state" != Z ]
}

# K id signal mark .   To the step's process group, if its leader is still the child of its lane; mark is t or c.
K() {
	[ "$#" = 4 ] && [ "$4" = . ] || return 0
	# The number of a process may be another's by now, and so may that of its lane: its start time tells.
	if op_leader "$1" && { read -r _ op_p0 op_t0 _ <"$op_log"; } && [ "$op_parent" = "$op_p0" ] && op_born "$op_p0" && [ "$op_start" = "$op_t0" ]; then
		true >"$1.$3"
		# No `--`: dash takes it only together with -s.
		kill "-$2" "-$op_pid" && op_say K sent && return 0
	fi
	op_say K gone
}

# T id from-of-stdout from-of-stderr limit .   Bytes from there on: of live output, and of long output.
T() {
	[ "$#" = 5 ] && [ "$5" = . ] || return 0
	[ ! -s "$1.o" ] || tail -c "+$(($2 + 1))" "$1.o" | head -c "$4"
	op_say O
	[ ! -s "$1.e" ] || tail -c "+$(($3 + 1))" "$1.e" | head -c "$4"
	op_say T "$1"
}

# Z id .   The sizes of both.
Z() { op_say Z $(($(wc -c <"$1.o"))) $(($(wc -c <"$1.e"))); }

if [ "$op_kind" = lane ]; then
	op_sh=$(command -v sh)
	# setsid(1) would read a dozen files of the locale for nothing; the step forgets this again.
	op_plain=''
	[ "${LC_ALL+set}" ] || op_plain='LC_ALL=C'
	if op_session=$(command -v setsid); then
		:
	elif op_session=$(command -v perl); then
		op_session="$op_session -e 'use POSIX; POSIX::setsid(); exec {\$ARGV[0]} @ARGV or exit 127'"
	elif op_session=$(command -v python3); then
		op_session="$op_session -c 'import os,sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])'"
	else
		op_refuse no-setsid "there is no setsid, perl or python3, so a step cannot be given a session of its own"
	fi
	{ true >>"P.$op_lane"; } || op_refuse disk-full "$PWD: a file cannot be made"
	# The log. Its descriptor is given on explicitly, as ksh closes it otherwise.
	exec 9>>"P.$op_lane"
	op_born $$
	{ echo "A $$ $op_start $op_boot" >&9 && printf '%4096s' . >"Z.$op_lane"; } || op_refuse disk-full "$PWD: a file cannot be written"
fi
op_say H ok "$op_boot" "$op_how" "$PWD"

# op_note LINE: to the log, if need be in the room that was kept for it. The empty line ends what was written of a first try.
op_note() { echo "$1" >&9 || { rm -f "Z.$op_lane" && echo "$op_nl$1" >&9; }; }

# op_reap ID AFTER: a step that had to be ended is ended when its whole group is; fails if it cannot be.
op_reap() {
	op_leader "$1"
	[ "$op_pid" ] || return 0
	op_i=0
	while op_group "$op_pid"; do
		[ $op_i -lt "$2" ] || kill -KILL "-$op_pid"
		[ $op_i -lt $(($2 + 5)) ] || return 1
		sleep 1
		op_i=$((op_i + 1))
	done
}

# op_left ID: of a step that was ended, adds to op_how what left its group before, and lives on. It is told, not
# killed: a daemon may be what the step was for.
op_left() {
	op_n=0 op_v=
	# shellcheck disable=SC2013
	for op_f in $(grep -lF "OPSCTL_ATTEMPT=$PWD/$1.o" /proc/[0-9]*/environ); do
		op_f=${op_f#/proc/}
		[ $op_n -ge 8 ] || op_v=$op_v,${op_f%/environ}
		op_n=$((op_n + 1))
	done
	[ $op_n = 0 ] || op_how=$op_how+left:${op_v#,}
}

# op_begun ID: did the step of this lane come so far as to name itself?
op_begun() {
	while read -r op_k op_a _; do
		[ "$op_k$op_a" != "S$1" ] || return 0
	done <"P.$op_lane"
	return 1
}

# R id timeout kill_after shell how script stdin .   Runs it, at most once, and answers when it has ended.
# how: v, the script travels in the environment, private to the user; f, it is too long for that and goes by a
# file that is gone when it starts. Never on a command line. stdin is a format for printf.
R() {
	if [ "$#" != 8 ] || [ "$8" != . ] || [ "$op_kind" != lane ]; then
		op_say C "$1" short
		return 0
	fi
	if ! echo "R $1 ." >&9; then
		op_say C "$1" full
		return 0
	fi
	if ! op_claim "$1"; then
		echo "L $1 ." >&9
		if [ -e "$1.o" ]; then op_say C "$1" claimed; else op_say C "$1" full; fi
		return 0
	fi
	op_in=/dev/null op_v=$6
	# shellcheck disable=SC2059
	if ! { true >"$1.e"; } || { [ "$7" ] && op_in=$1.i && ! printf "$7" >"$1.i"; } || { [ "$5" = f ] && ! printf '%s\n' "$6" >"$1.s"; }; then
		op_note "L $1 ."
		op_say C "$1" full
		return 0
	fi
	# shellcheck disable=SC2016
	[ "$5" != f ] || op_v='eval "$(cd "$OPSCTL_RUN_DIR" && cat '"$1.s && rm -f $1.s"')"'
	exec 5<"$op_in" 6>>"$1.e" 7>>"$1.o"
	[ "$op_in" = /dev/null ] || rm -f "$op_in"
	# The child leads a session of its own, names itself in the log, forgets the log, and becomes the script. It takes
	# its stderr itself: given here, a shell would write "Killed" to it.
	op_at=$1
	# shellcheck disable=SC2016
	eval "$op_plain OPSCTL_SCRIPT=\$op_v OPSCTL_ATTEMPT=\$PWD/\$1.o $op_session"' "$op_sh" -c '\''echo "S $1 $$ $2 $3" >&9 || exit 125; exec 2>&6 6>&- 9>&-; umask "$4"; [ ! "$5" ] || unset LC_ALL; [ "$0" = sh ] || exec "$0" -c "eval \"\$OPSCTL_SCRIPT\""; set --; eval "$OPSCTL_SCRIPT"'\'' "$4" "$1" "$2" "$3" "$op_umask" "$op_plain" <&5 >&7 5<&- 7>&- 6>&6 9>&9'
	op_r=$? op_at=
	if [ $op_r != 0 ] && ! op_begun "$1"; then
		# There was no process to be had for it, or no room to name itself.
		op_note "L $1 ."
		exec 5<&- 6>&- 7>&-
		if [ $op_r = 125 ]; then op_say C "$1" full; else op_say C "$1" nofork; fi
		return 0
	fi
	# ksh says 256 + n of a signal.
	[ $op_r -le 255 ] || op_r=$((op_r - 128))
	op_how='done'
	[ ! -e "$1.t" ] || op_how=timed_out
	[ ! -e "$1.c" ] || op_how=cancelled
	if [ "$op_how" != 'done' ]; then
		op_reap "$1" "$3" || op_how=$op_how-alive
		op_left "$1"
	fi
	if echo "X $1 $op_r $op_how" >&9; then
		op_tell "$1" $op_r "$op_how" 7 6
	else
		# No room for the record but what was kept for it: then there was none for the output either.
		op_how=$op_how+full op_i=0
		op_note "${op_nl}X $1 $op_r $op_how" || op_i=1
		op_tell "$1" $op_r "$op_how"
		# Keep trying, as the answer may be lost on its way.
		while [ $op_i != 0 ] && [ $op_i -le 10 ]; do
			sleep 1
			op_i=$((op_i + 1))
			! echo "${op_nl}X $1 $op_r $op_how" >&9 || op_i=0
		done
	fi
	exec 5<&- 6>&- 7>&-
}

# op_trim ID: a step that prints without end must not fill the disk. Of more than op_spool bytes the middle is given back,
# which nobody will read: offsets stay as they are. Where that cannot be done the disk fills up.
op_trim() {
	# shellcheck disable=SC2044
	for op_f in $(find "$1.o" "$1.e" -size "+${op_spool}c"); do
		fallocate -p -o "$op_head" -l $(($(wc -c <"$op_f") - 2 * op_head)) "$op_f"
	done
}

# op_clock: one a lane. It holds the deadline when nobody is connected, and outlives its lane while a step runs.
# A controller that is connected is more exact; this one may be late by one nap.
op_clock() {
	trap - EXIT
	exec 8<"P.$op_lane" 9>&-
	op_id='' op_nap=1
	while sleep $op_nap; do
		while read -r op_k op_a op_b op_c op_d <&8; do
			case $op_k in
			S) op_id=$op_a op_p=$op_b op_limit=$op_c op_left=$op_c op_after=$op_d op_t0='' op_sig=TERM ;;
			X) op_id='' ;;
			esac
		done
		if [ -z "$op_id" ] || ! op_born "$op_p" || [ "$op_state" = Z ] || [ "$op_start" != "${op_t0:-$op_start}" ]; then
			op_born $$ && [ "$op_state" != Z ] || exit 0
			[ $op_nap -ge 5 ] || op_nap=$((op_nap + 1))
			continue
		fi
		op_nap=1 op_t0=$op_start
		op_trim "$op_id"
		[ "$op_limit" != 0 ] || continue
		op_left=$((op_left - 1))
		[ $op_left -le 0 ] || continue
		if [ "$op_sig" = KILL ] || [ ! -e "$op_id.t" ]; then
			true >"$op_id.t"
			kill "-$op_sig" "-$op_p"
		fi
		op_sig=KILL op_left=$op_after
	done
}
if [ "$op_kind" = lane ]; then
	# By exec: a redirection of the function would leave copies of what it replaces open, and so the connection.
	(
		exec </dev/null >/dev/null
		op_clock
	) &
	op_clock_pid=$!
	# A shell that gets no further process ends, and comes here: then the step has not begun. Some shells come here
	# for signals too, and do not say why.
	# shellcheck disable=SC2016
	trap '[ -z "$op_at" ] || [ "${BASH_VERSION-}${KSH_VERSION-}${ZSH_VERSION-}${YASH_VERSION-}" ] || op_begun "$op_at" || { op_note "L $op_at ."; op_say C "$op_at" nofork; }; kill "$op_clock_pid"' EXIT
fi
