# shellcheck shell=sh disable=SC2154
# What is done with the service op_name, by the service manager that is there.
PATH=$PATH:/usr/sbin:/sbin
export PATH

# op_find: sets op_by. Who is booted with systemd is told by itself: a container may have its tools only.
op_find() {
	op_by=
	case $(systemctl is-system-running 2>/dev/null || :) in
	'' | offline | unknown) ;;
	*) op_by=systemd ;;
	esac
	if [ "$op_by" ]; then
		op_property LoadState
		[ "$op_v" != not-found ] || op_fail "find the service $op_name: systemd knows no such unit"
	elif [ -x "/etc/init.d/$op_name" ]; then
		op_by=sysv
	else
		op_fail "find the service $op_name: systemd does not run here, and there is no /etc/init.d/$op_name"
	fi
}

# op_property NAME: sets op_v to a property of the unit.
op_property() {
	op_v=$(systemctl show -p "$1" "$op_name") || op_fail "ask systemd about $op_name"
	op_v=${op_v#*=}
}

op_sysv() {
	if command -v service >/dev/null; then
		service "$op_name" "$1" </dev/null
	else
		"/etc/init.d/$op_name" "$1" </dev/null
	fi
}

# op_state: sets op_active to active, inactive, or a word for something in between.
op_state() {
	if [ "$op_by" = systemd ]; then
		op_property ActiveState
		case $op_v in
		active | reloading | refreshing) op_active=active ;;
		inactive | failed) op_active=inactive ;;
		*) op_active=$op_v ;;
		esac
		return 0
	fi
	op_rc=0
	op_m=$(op_sysv status 2>&1) || op_rc=$?
	case $op_rc in
	0) op_active=active ;;
	[123]) op_active=inactive ;;
	*) op_fail "tell whether $op_name runs: its status gives exit status $op_rc${op_m:+: $op_m}" ;;
	esac
}

# op_at_boot: sets op_boot to on, off, none (as off, but it was never said), or fixed, where that is not for us to decide.
op_at_boot() {
	if [ "$op_by" = systemd ]; then
		op_v=$(systemctl is-enabled "$op_name" 2>/dev/null) || :
		case $op_v in
		enabled | enabled-runtime) op_boot=on ;;
		static | indirect | generated | transient | alias) op_boot=fixed ;;
		*) op_boot=off ;;
		esac
		return 0
	fi
	op_boot=none
	for op_f in /etc/rc[2-5].d/[SK][0-9][0-9]"$op_name"; do
		[ -L "$op_f" ] || [ -e "$op_f" ] || continue
		case $op_f in
		*/S*) op_boot=on ;;
		*) [ $op_boot = on ] || op_boot=off ;;
		esac
	done
}

# op_act start | stop | restart | reload. Why it failed is known by the service manager, if anybody.
op_act() {
	op_rc=0
	if [ "$op_by" = systemd ]; then
		systemctl "$1" "$op_name" </dev/null || op_rc=$?
		[ $op_rc = 0 ] || systemctl status --no-pager -l -n 20 "$op_name" >&2 || :
	else
		op_sysv "$1" || op_rc=$?
		[ $op_rc = 0 ] || op_sysv status >&2 || :
	fi
	[ $op_rc = 0 ] || op_fail "$1 $op_name: exit status $op_rc"
}

# op_set_boot WANTED NOW
op_set_boot() {
	case $op_by:$1:$2 in
	systemd:on:*) systemctl enable "$op_name" ;;
	systemd:*) systemctl disable "$op_name" ;;
	*)
		if command -v update-rc.d >/dev/null; then
			case $1:$2 in
			on:none) update-rc.d "$op_name" defaults ;;
			on:*) update-rc.d "$op_name" enable ;;
			off:none) ;;
			off:*) update-rc.d "$op_name" disable ;;
			none:*) update-rc.d -f "$op_name" remove ;;
			esac
		elif command -v chkconfig >/dev/null; then
			case $1:$2 in
			on:none) chkconfig --add "$op_name" && chkconfig "$op_name" on ;;
			on:*) chkconfig "$op_name" on ;;
			off:none) ;;
			off:*) chkconfig "$op_name" off ;;
			none:*) chkconfig --del "$op_name" ;;
			esac
		else
			op_fail "set whether $op_name starts at boot: there is neither update-rc.d nor chkconfig"
		fi
		;;
	esac || op_fail "set whether $op_name starts at boot"
}

# op_to_state active | inactive
op_to_state() {
	op_state
	case $1:$op_active in
	active:active | inactive:inactive) ;;
	active:*) op_act start ;;
	*) op_act stop ;;
	esac
}

# op_refresh: a unit whose file was changed, by a copy before this step, is read again.
op_refresh() {
	[ "$op_by" = systemd ] || return 0
	op_property NeedDaemonReload
	[ "$op_v" != yes ] || systemctl daemon-reload
}

# op_serve KEY STATE BOOT: how it was is kept first, once: a second try must not take what the first left for it.
op_serve() {
	[ "${OPSCTL_RUN_DIR-}" ] || op_fail 'keep how the service was: there is no run directory'
	op_find
	op_state
	op_at_boot
	mkdir -p "$OPSCTL_RUN_DIR/keep"
	op_keep=$OPSCTL_RUN_DIR/keep/$1.service
	if [ ! -e "$op_keep" ]; then
		printf '%s %s\n' "$op_active" "$op_boot" >"$op_keep.new"
		mv "$op_keep.new" "$op_keep"
	fi
	op_refresh
	case $3:$op_boot in
	on:off | on:none | off:on) op_set_boot "$3" "$op_boot" ;;
	esac
	case $2 in
	started) op_to_state active ;;
	stopped) op_to_state inactive ;;
	restarted) op_act restart ;;
	reloaded) op_act reload ;;
	esac
}

# op_unserve KEY STATE BOOT: what op_serve with the same words did is taken back.
op_unserve() {
	op_keep=${OPSCTL_RUN_DIR:?}/keep/$1.service
	[ -e "$op_keep" ] || op_fail "take it back: how $op_name was is not kept in $op_keep"
	read -r op_was_active op_was_boot <"$op_keep"
	op_find
	op_refresh
	case $2:$op_was_active in
	started:inactive | stopped:inactive) op_to_state inactive ;;
	started:* | stopped:*) op_to_state active ;;
	esac
	[ "$3" ] || return 0
	op_at_boot
	[ "$op_boot" = "$op_was_boot" ] || op_set_boot "$op_was_boot" "$op_boot"
}
