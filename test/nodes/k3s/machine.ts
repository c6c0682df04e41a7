import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { quote } from "../../../nodes/host-script";

/** Why no machine can be played here; undefined if one can. */
export function machineProblem(): string | undefined {
  if (process.getuid?.() !== 0) {
    return "needs root for private mount, network and process namespaces";
  }
  const result = spawnSync("unshare", [...namespaces, "true"]);
  return result.status === 0 ? undefined : "needs unshare and the right to make namespaces";
}

const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];

export interface Ran {
  status: number;
  output: string;
}

/** Ends at the first command that fails; `must_fail FILE` runs a step that has to, and prints what it says. */
const prelude = `
set -euo pipefail
base=$1
mount -t tmpfs -o size=256m homelab-test "$base"
for folder in etc var/lib usr/local run; do
  mkdir -p "$base/$folder/upper" "$base/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$base/$folder/upper,workdir=$base/$folder/work" "/$folder"
done
mkdir -p "$base/scratch" /etc/systemd/system
cd "$base/scratch"
ip link set lo up
must_fail() {
  if bash "$@" 2>&1; then
    echo "SHOULD HAVE FAILED: $*"
    exit 99
  fi
}
`;

/**
 * Runs bash as root on a played machine: own mounts over a throw-away copy of /etc, /var/lib, /usr/local and /run, own
 * network, own processes. All of it vanishes with the last process.
 *
 * @param files put beside the script and named $FILES/<name>.
 */
export function onMachine(script: string, files: Readonly<Record<string, string>> = {}): Ran {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-machine-"));
  const base = path.join(folder, "base");
  fs.mkdirSync(base);
  try {
    for (const [name, content] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, name), content, { mode: 0o755 });
    }
    const main = path.join(folder, "main");
    fs.writeFileSync(main, `${prelude}\nFILES=${quote(folder)}\n${script}\n`);
    const result = spawnSync("unshare", [...namespaces, "bash", main, base], { encoding: "utf8", timeout: 60_000 });
    return { status: result.status ?? -1, output: `${result.stdout}${result.stderr}` };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** systemctl, journalctl, curl and sleep of the played machine, and a K3s whose kubelet really listens on its socket. */
export const fakeTools = `
mkdir -p /run/fake
ln -s ${quote(process.execPath)} /run/fake/node
tool() { cat >"/usr/local/sbin/$1"; chmod 0755 "/usr/local/sbin/$1"; }
export PATH=/usr/local/sbin:/usr/local/bin:$PATH

tool sleep <<'EOF'
#!/bin/sh
exec /bin/sleep 0.05
EOF
tool journalctl <<'EOF'
#!/bin/sh
cat /run/fake/journal 2>/dev/null
EOF
tool curl <<'EOF'
#!/bin/sh
case "$*" in
  *10248/healthz*) [ -e /run/fake/kubelet ] && printf ok ;;
  */ping*) printf pong ;;
  *) echo "no network here: $*" >&2; exit 7 ;;
esac
EOF
tool systemctl <<'EOF'
#!/bin/bash
verb=$1; shift
for word in "$@"; do case $word in -*) ;; *) unit=\${word%.service} ;; esac; done
case $verb in
  is-active)
    if [ -e "/run/fake/$unit.active" ]; then [[ "$*" == *--quiet* ]] || echo active; else [[ "$*" == *--quiet* ]] || echo inactive; exit 3; fi ;;
  is-enabled)
    if [ -e "/run/fake/$unit.enabled" ]; then [[ "$*" == *--quiet* ]] || echo enabled; else echo disabled; exit 1; fi ;;
  enable) touch "/run/fake/$unit.enabled" ;;
  disable) rm -f "/run/fake/$unit.enabled" ;;
  cat) [ -e "/etc/systemd/system/$unit.service" ] ;;
  show)
    if [[ "$*" == *NRestarts* ]] && [ -e /run/fake/restarts ]; then
      read -r count </run/fake/restarts
      echo "$count"
      echo $((count + 1)) >/run/fake/restarts
    fi ;;
  stop)
    echo "stop $unit" >>/run/fake/log
    rm -f "/run/fake/$unit.active"
    [ ! -e /run/fake/kubelet ] || kill "$(cat /run/fake/kubelet)" 2>/dev/null
    rm -f /run/fake/kubelet ;;
  restart)
    echo "restart $unit" >>/run/fake/log
    [ ! -e /run/fake/kubelet ] || kill "$(cat /run/fake/kubelet)" 2>/dev/null
    [ ! -e /run/fake/broken ] || exit 0
    root=$(sed -n 's/^ *- root-dir=//p' /etc/rancher/k3s/config.yaml)
    root=$(cat /run/fake/other-root 2>/dev/null || echo "$root")
    mkdir -p "$root/pod-resources" "$root/pods" /var/lib/rancher/k3s/{server,agent/etc/containerd,data/1/bin}
    rm -f "$root/pod-resources/kubelet.sock"
    /run/fake/node -e 'require("net").createServer().listen(process.argv[1])' "$root/pod-resources/kubelet.sock" >/dev/null 2>&1 &
    echo $! >/run/fake/kubelet
    if [ "$unit" = k3s ]; then
      mkdir -p /var/lib/rancher/k3s/server/{tls,db/snapshots}
      touch /var/lib/rancher/k3s/server/tls/server-ca.crt
      echo "K10abc::server:$(cat /etc/rancher/k3s/server-token)" >/var/lib/rancher/k3s/server/token
      crt=/var/lib/rancher/k3s/server/tls/client-admin.crt
    else
      crt=/var/lib/rancher/k3s/agent/client-kubelet.crt
    fi
    ! command -v nvidia-container-runtime >/dev/null ||
      echo "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'nvidia']" >/var/lib/rancher/k3s/agent/etc/containerd/config.toml
    openssl req -x509 -newkey rsa:1024 -nodes -keyout /dev/null -out "$crt" -days 365 -subj /CN=admin 2>/dev/null
    touch "/run/fake/$unit.active" ;;
esac
EOF

`;

/** Stands for the K3s binary of a release; its digest goes into the configuration. */
export function fakeK3sBinary(version: string): string {
  return [
    "#!/bin/sh",
    'case "$1 $2" in',
    `'--version ') echo "k3s version ${version} (fake)" ;;`,
    `'etcd-snapshot save') echo "snapshot $*" >>/run/fake/log; touch /var/lib/rancher/k3s/server/db/snapshots/"$5" ;;`,
    "'kubectl get') [ -e /run/fake/k3s.active ] ;;",
    "esac",
    "",
  ].join("\n");
}
