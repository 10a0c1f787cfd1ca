package importer

import (
	"slices"
	"strings"
)

// factScripts find out what Ansible gathers, and people ask most: by its name without "ansible_".
var factScripts = map[string]string{
	"distribution": `. /etc/os-release
case $ID in
  debian) echo Debian ;;
  ubuntu) echo Ubuntu ;;
  fedora) echo Fedora ;;
  centos) echo CentOS ;;
  rhel) echo RedHat ;;
  rocky) echo Rocky ;;
  almalinux) echo AlmaLinux ;;
  alpine) echo Alpine ;;
  arch) echo Archlinux ;;
  *) echo "$NAME" ;;
esac`,
	"os_family": `. /etc/os-release
case " $ID ${ID_LIKE-} " in
  *debian* | *ubuntu*) echo Debian ;;
  *rhel* | *fedora* | *centos*) echo RedHat ;;
  *suse*) echo Suse ;;
  *alpine*) echo Alpine ;;
  *arch*) echo Archlinux ;;
  *) uname -s ;;
esac`,
	"distribution_version": `. /etc/os-release
if [ "$ID" = debian ]; then cat /etc/debian_version; else echo "${VERSION_ID-}"; fi`,
	"distribution_major_version": ". /etc/os-release\necho \"${VERSION_ID-}\" | cut -d. -f1",
	"distribution_release":       ". /etc/os-release\necho \"${VERSION_CODENAME-}\"",
	"hostname":                   "uname -n | cut -d. -f1",
	"nodename":                   "uname -n",
	"fqdn":                       "hostname -f",
	"architecture":               "uname -m",
	"machine":                    "uname -m",
	"system":                     "uname -s",
	"kernel":                     "uname -r",
	"user_id":                    "id -un",
	"user_dir":                   `getent passwd "$(id -un)" | cut -d: -f6`,
	"processor_vcpus":            "getconf _NPROCESSORS_ONLN",
	"memtotal_mb":                "awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo",
}

// numberFacts are the facts that are counted with.
var numberFacts = []string{"processor_vcpus", "memtotal_mb"}

// factName gives the name of the fact that a path means, and how much of the path it takes.
func factName(path []string) (string, int) {
	if path[0] == "ansible_facts" && len(path) > 1 {
		return strings.TrimPrefix(path[1], "ansible_"), 2
	}
	if name, ok := strings.CutPrefix(path[0], "ansible_"); ok {
		return name, 1
	}
	return "", 0
}

// fact is what a step at the begin of the play finds out. A step is made for each fact that is asked for.
func (r *ansible) fact(path []string) (phrase, int) {
	name, taken := factName(path)
	find := factScripts[name]
	if find == "" || r.around == nil {
		return phrase{}, 0
	}
	s := r.gathered[name]
	if s == nil {
		s = &step{number: len(r.draft.steps), id: name, parent: r.around, derived: true}
		s.keys.set("run", script(find))
		s.keys.set("effect", "read")
		r.draft.steps = append(r.draft.steps, s)
		r.gathered[name] = s
		r.prelude = append(r.prelude, s)
	}
	p := phrase{expr: reference(s) + ".stdout", strength: tight, sort: text, late: true}
	if slices.Contains(numberFacts, name) {
		p = call("int", number, p)
	}
	return p, taken
}
