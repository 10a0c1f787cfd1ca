#!/usr/bin/env bash
# The same step, its connection cut in the middle, by several tools side by side: what each reported, and what was true.
# The step appends "begin" to a file, sleeps, and appends "end". Needs sshd, python3 and, for its lines, ansible.
#
#   docs/reliability/compare.sh [OPSCTL]     OPSCTL is a program; without it, one is built
#
# It prints a table in Markdown.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PATH:/usr/sbin

dir=$(mktemp -d)
pids=()
finish() {
    ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

opsctl=${1:-$dir/opsctl}
[[ ${1-} ]] || go build -o "$opsctl" ./cmd/opsctl

free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
port=$(free_port) relay=$(free_port)

# The host: sshd on loopback.
ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
cat >"$dir/sshd_config" <<EOF
ListenAddress 127.0.0.1:$port
HostKey $dir/host_key
AuthorizedKeysFile $dir/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
EOF
((EUID != 0)) || mkdir -p /run/sshd
"$(command -v sshd)" -D -f "$dir/sshd_config" &
pids+=($!)

# The network: a relay that resets what goes through it when it gets SIGUSR1.
cat >"$dir/relay.py" <<'EOF'
import select, signal, socket, struct, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
peer = {}
def cut(*_):
    for s in list(peer):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    peer.clear()
signal.signal(signal.SIGUSR1, cut)
while True:
    try:
        ready, _, _ = select.select([listener, *peer], [], [], 1)
        for s in ready:
            if s is listener:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
                peer[near], peer[far] = far, near
            elif s in peer:
                data = s.recv(65536)
                if data:
                    peer[s].sendall(data)
                else:
                    other = peer.pop(s)
                    peer.pop(other, None)
                    s.close()
                    other.close()
    except (OSError, ValueError):
        for s in [s for s in peer if s.fileno() < 0]:
            peer.pop(s, None)
EOF
python3 "$dir/relay.py" "$relay" "$port" &
relay_pid=$!
pids+=("$relay_pid")

echo "[127.0.0.1]:$relay $(cut -d' ' -f1,2 "$dir/host_key.pub")" >"$dir/known_hosts"
cat >"$dir/ssh_config" <<EOF
Host web1
  HostName 127.0.0.1
  Port $relay
  User $(id -un)
  IdentityFile $dir/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile $dir/known_hosts
EOF
until ssh -F "$dir/ssh_config" web1 true 2>/dev/null; do sleep 0.1; done

step="echo begin >>$dir/log; sleep 4; echo end >>$dir/log"
printf 'name: compare\nhosts: web1\nsteps: [{id: step, run: "%s"}]\n' "$step" >"$dir/step.yaml"

# try NAME COMMAND…: runs the command, cuts the connection once the step has begun, and prints a line of the table.
try() {
    local name=$1 exit=0 said ran
    shift
    rm -f "$dir/log"
    "$@" >"$dir/said" 2>&1 </dev/null &
    local pid=$!
    until [[ -s $dir/log ]] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    sleep 1
    kill -USR1 "$relay_pid"
    wait "$pid" || exit=$?
    sleep 6 # what goes on behind the back of the tool ends meanwhile
    said=$(sed 's/\x1b\[[0-9;]*m//g' "$dir/said" | grep -Eo 'UNREACHABLE!|CHANGED|FAILED!|SUCCESS|succeeded|1 changed|Connection to [^ ]* closed|Connection reset|client_loop[^.]*|unknown' | awk '!seen[$0]++' | paste -sd, | sed 's/,/, /g') || true
    ran="begun $(grep -c begin "$dir/log") ×, ended $(grep -c end "$dir/log" || true) ×"
    echo "| $name | exit $exit: ${said:-nothing} | $ran |"
}

echo "| tool | reported | true |"
echo "|---|---|---|"
try opsctl "$opsctl" run "$dir/step.yaml" -i web1, -F "$dir/ssh_config" --state-dir "$dir/state"
try "ssh ($(ssh -V 2>&1 | cut -d' ' -f1 | tr -d ,))" ssh -F "$dir/ssh_config" web1 "$step"
if command -v ansible >/dev/null; then
    export ANSIBLE_SSH_ARGS="-F $dir/ssh_config -C -o ControlMaster=auto -o ControlPersist=60s" ANSIBLE_HOME=$dir/ansible
    export ANSIBLE_LOCAL_TEMP=$dir/ansible/tmp ANSIBLE_SSH_CONTROL_PATH_DIR=$dir/cp ANSIBLE_NOCOLOR=1 ANSIBLE_CONFIG=$dir/ansible.cfg
    : >"$dir/ansible.cfg"
    ansible=(ansible all -i "web1," -m shell -a "$step")
    version=$(ansible --version | grep -Eo 'core [0-9.]+' | head -1)
    try "Ansible ($version)" "${ansible[@]}"
    try "Ansible, pipelining" env ANSIBLE_PIPELINING=1 "${ansible[@]}"
    try "Ansible, 3 retries" env ANSIBLE_SSH_RETRIES=3 "${ansible[@]}"
    try "Ansible, 3 retries and pipelining" env ANSIBLE_SSH_RETRIES=3 ANSIBLE_PIPELINING=1 "${ansible[@]}"
fi
