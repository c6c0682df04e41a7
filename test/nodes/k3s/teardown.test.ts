import { expect } from "chai";
import { assignments, readScript } from "../../../nodes/host-script";
import { k3sNodeStep } from "../../../nodes/k3s/node-step";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { fakeTools, machineProblem, onMachine } from "./machine";

const KUBELET_ROOT = "/var/lib/rancher/k3s/agent/kubelet";
const VOLUME = `${KUBELET_ROOT}/pods/uid-1/volumes/kubernetes.io~nfs/media`;

/** The real functions on a played machine, with the home stack's variables. */
function library(changes: Record<string, string | string[]> = {}): string {
  const homelab = home();
  const { script } = k3sNodeStep(homelab, homelab.controlPlane, []);
  return [
    readScript("lib.sh"),
    assignments({ ...script.variables, ...changes }),
    readScript("k3s/inspect.sh"),
    readScript("k3s/teardown.sh"),
  ].join("\n");
}

/** A torn-down machine in the making: K3s' folders, a "NAS" that a pod has mounted, and somebody's films on it. */
const setUp = `
${fakeTools}
nas=$base/scratch/nas; mkdir -p "$nas"
mount -t tmpfs nas "$nas"
echo film >"$nas/film.mkv"
mkdir -p ${VOLUME} ${KUBELET_ROOT}/plugins /var/lib/rancher/k3s/server/db/snapshots /etc/rancher/node /etc/rancher/k3s
mkdir -p /run/k3s/containerd /var/lib/kubelet/device-plugins /var/lib/cni /var/lib/homelab/disks/optane-1
echo pod >${KUBELET_ROOT}/pods/uid-1/file
echo snapshot >/var/lib/rancher/k3s/server/db/snapshots/etcd-1
echo K10::server:t >/var/lib/rancher/k3s/server/token
echo password >/etc/rancher/node/password
echo replica >/var/lib/homelab/disks/optane-1/replica
echo ${KUBELET_ROOT} >/var/lib/homelab/kubelet-root
echo unit >/etc/systemd/system/k3s.service
touch /run/fake/k3s.active /run/fake/k3s.enabled
`;

describe("K3s teardown, for real in namespaces of its own", function () {
  this.timeout(60_000);

  before(function () {
    const problem = machineProblem();
    if (problem) {
      skipBecause(this, problem);
    }
  });

  const run = (script: string, changes?: Record<string, string | string[]>) => {
    const command = readScript("k3s/teardown-command.sh");
    const { status, output } = onMachine(`${setUp}\nexport FILES\n${script}`, { functions: library(changes), command });
    expect(output, output).not.to.contain("SHOULD HAVE FAILED");
    return { status, output };
  };
  const passes = (script: string, changes?: Record<string, string | string[]>) => {
    const { status, output } = run(script, changes);
    expect(status, output).to.equal(0);
    return output;
  };

  it("unmounts what pods had mounted, then deletes K3s, and the NAS keeps its films", () => {
    const output = passes(`
      mount --bind "$nas" ${VOLUME}
      mkdir -p "/var/lib/kubelet/pods/with space/x"; mount -t tmpfs stray "/var/lib/kubelet/pods/with space/x"
      mount -t tmpfs twice ${VOLUME}
      mkdir -p /run/netns; touch /run/netns/cni-1; mount --bind /proc/self/ns/net /run/netns/cni-1
      . "$FILES/functions"; tear_down_k3s 1
      cat "$nas/film.mkv"
      for gone in /var/lib/rancher/k3s /run/k3s /var/lib/kubelet /var/lib/cni /etc/rancher/k3s /run/netns/cni-1 \\
        /etc/systemd/system/k3s.service /var/lib/homelab/kubelet-root; do
        [ ! -e $gone ] || { echo "still there: $gone"; exit 1; }
      done
      cat /etc/rancher/node/password /var/lib/homelab/disks/optane-1/replica
      cat /var/lib/homelab/snapshots/1/etcd-1; stat -c %a /var/lib/homelab/snapshots/1/token
      cat /run/fake/log
    `);
    expect(output).to.contain("film\n");
    expect(output).to.contain("password\nreplica\nsnapshot\n600\n");
    expect(output).to.contain("stop k3s");
  });

  it("a mount that stays is refused by name, and nothing at all is deleted", () => {
    const output = passes(`
      mount --bind "$nas" ${VOLUME}
      (cd ${VOLUME} && exec /bin/sleep 50) & holder=$!
      /bin/sleep 0.2
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      kill $holder
      cat ${VOLUME}/film.mkv ${KUBELET_ROOT}/pods/uid-1/file /var/lib/rancher/k3s/server/token
      [ -e /etc/systemd/system/k3s.service ] && [ -d /var/lib/kubelet ] && [ -d /etc/rancher/k3s ]
    `);
    expect(output).to.contain(`still mounted at or below ${KUBELET_ROOT}; nothing was deleted`);
    expect(output).to.contain(`${VOLUME} (tmpfs nas)`);
    expect(output).to.contain("film\npod\nK10::server:t\n");
  });

  it("incident A6: the stock script's hazard, a kubelet root below the data directory, deletes no mounted file", () => {
    // delete_tree alone, as if every step before it had been left out.
    const output = passes(`
      mount --bind "$nas" ${VOLUME}
      must_fail -c '. "$1"; delete_tree /var/lib/rancher/k3s' x "$FILES/functions"
      cat "$nas/film.mkv"
    `);
    expect(output).to.contain("still mounted at or below /var/lib/rancher/k3s").and.contain("film\n");
  });

  it("even with the check taken out, the deletion itself cannot reach a mount, of another disk or of the same one", () => {
    const output = passes(`
      mkdir -p /var/lib/films ${VOLUME}-2; echo same disk >/var/lib/films/film.mkv
      mount --bind "$nas" ${VOLUME}; mount --bind /var/lib/films ${VOLUME}-2
      must_fail -c '. "$1"; require_nothing_mounted() { :; }; delete_tree /var/lib/rancher/k3s' x "$FILES/functions"
      cat "$nas/film.mkv" /var/lib/films/film.mkv
    `);
    expect(output).to.contain("could not delete all of /var/lib/rancher/k3s").and.contain("film\nsame disk\n");
  });

  it("a directory that is itself a mount is refused", () => {
    const output = passes(`
      mkdir /var/lib/own; mount --bind "$nas" /var/lib/own
      must_fail -c '. "$1"; delete_tree /var/lib/own' x "$FILES/functions"
      cat "$nas/film.mkv"
    `);
    expect(output).to.contain("still mounted at or below /var/lib/own").and.contain("film\n");
  });

  it("a mount that is gone from sight by a second one on top is found", () => {
    const output = passes(`
      mkdir -p /var/lib/own/a/b; mount --bind "$nas" /var/lib/own/a/b; mount -t tmpfs cover /var/lib/own/a
      must_fail -c '. "$1"; delete_tree /var/lib/own' x "$FILES/functions"
      cat "$nas/film.mkv"
    `);
    expect(output).to.contain("/var/lib/own/a/b (tmpfs nas)").and.contain("film\n");
  });

  it("paths that only start alike are neither unmounted nor deleted", () => {
    passes(`
      mkdir -p /var/lib/kubelet-other /run/k3s-other; mount --bind "$nas" /var/lib/kubelet-other
      . "$FILES/functions"; tear_down_k3s 1
      cat /var/lib/kubelet-other/film.mkv; [ -d /run/k3s-other ]
    `);
  });

  it("is idempotent, and ends at a machine without K3s", () => {
    passes(`. "$FILES/functions"; tear_down_k3s 1; tear_down_k3s 1; [ -z "$(installed_version)" ]`);
  });

  for (const [what, directory, setting] of [
    ["the root", "/", ""],
    ["one part below the root", "/var", ""],
    ["a path with dots", "/var/lib/../lib/rancher", ""],
    ["a relative path", "var/lib", ""],
    ["nothing", "", ""],
    ["a parent of the node's memory", "/var/lib", ""],
    ["the disks", "/var/lib/homelab/disks", "/var/lib/homelab/disks/optane-1"],
    ["a folder of volumes that must survive", "/var/lib/rancher/k3s", "/var/lib/rancher/k3s/storage"],
  ] as const) {
    it(`refuses to delete ${what}`, () => {
      const output = passes(
        `must_fail -c '. "$1"; require_deletable "$2"' x "$FILES/functions" "${directory}"; cat /var/lib/homelab/disks/optane-1/replica`,
        { KEEP: setting === "" ? [] : [setting] },
      );
      expect(output).to.contain("refusing to delete");
    });
  }

  it("refuses a symbolic link, which somebody made to have K3s on a larger disk", () => {
    const output = passes(`
      rm -r /var/lib/kubelet; ln -s "$nas" /var/lib/kubelet
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      cat "$nas/film.mkv"; [ -d /var/lib/rancher/k3s ]; [ ! -s /run/fake/log ]
    `);
    expect(output).to.contain("symbolic link");
  });

  it("stops nothing where K3s lies behind a symbolic link: mounts below it would not be seen", () => {
    const output = passes(
      `
      mv /var/lib/rancher "$base/scratch/large"; ln -s "$base/scratch/large" /var/lib/rancher
      mount --bind "$nas" ${VOLUME}
      must_fail -c '. "$1"; set -- stop; . "$FILES/command"' x "$FILES/functions"
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      cat ${VOLUME}/film.mkv; [ ! -s /run/fake/log ]; [ -e /etc/systemd/system/k3s.service ]
    `,
    );
    expect(output).to.contain("do not delete or move anything there by hand").and.contain("film\n");
    expect(output).not.to.contain("delete it by hand;");
  });

  it("a folder that is a file system of its own is refused before anything is stopped; stopping alone goes", () => {
    const output = passes(`
      mv /var/lib/rancher/k3s "$base/scratch/own"; mkdir /var/lib/rancher/k3s; mount -t tmpfs own /var/lib/rancher/k3s
      cp -a "$base/scratch/own/." /var/lib/rancher/k3s/
      mount --bind "$nas" ${VOLUME}
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      [ ! -s /run/fake/log ]; cat /var/lib/rancher/k3s/server/token
      bash -c '. "$1"; set -- stop; . "$FILES/command"' x "$FILES/functions"
      cat /run/fake/log /var/lib/rancher/k3s/server/db/snapshots/etcd-1; ! mountpoint -q ${VOLUME}; cat "$nas/film.mkv"
    `);
    expect(output).to.contain("/var/lib/rancher/k3s (tmpfs own)").and.contain("Take it out of /etc/fstab");
    expect(output).to.match(/stop k3s\n[^]*snapshot\nfilm\n/);
  });

  it("K3s starts no more once the first folder is deleted: after a power cut it would, on what is left", () => {
    const output = passes(`
      . "$FILES/functions"
      delete_tree() { [ ! -e /etc/systemd/system/k3s.service ] && [ ! -e /run/fake/k3s.enabled ] && echo "gone before $1"; }
      tear_down_k3s 1
    `);
    expect(output).to.contain(`gone before ${KUBELET_ROOT}`);
  });

  it("refuses while K3s' own local-path folder holds volumes", () => {
    const output = passes(`
      mkdir -p /var/lib/rancher/k3s/storage/pvc-1
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      [ -d /var/lib/rancher/k3s/storage/pvc-1 ]; [ ! -s /run/fake/log ]
    `);
    expect(output).to.contain("/var/lib/rancher/k3s/storage holds volumes");
  });

  it("refuses while somebody's files lie where a kubelet's would, and no step has taken the folder", () => {
    const output = passes(`
      echo film >/var/lib/kubelet/film.mkv
      must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
      cat /var/lib/kubelet/film.mkv; [ ! -s /run/fake/log ]; [ -d /var/lib/rancher/k3s ]
    `);
    expect(output).to.contain("/var/lib/kubelet holds what no kubelet writes").and.contain("  film.mkv\n");
  });

  describe("the only etcd", () => {
    const etcd = `
      mkdir -p /var/lib/rancher/k3s/server/db/etcd/member/snap /var/lib/rancher/k3s/server/tls
      echo etcd >/var/lib/rancher/k3s/server/db/etcd/member/snap/db; echo ca >/var/lib/rancher/k3s/server/tls/server-ca.crt
      rm /var/lib/rancher/k3s/server/db/snapshots/*
    `;
    const binary = (save: string) => `
      printf '%s\\n' '#!/bin/sh' '[ "$1" != etcd-snapshot ] || { ${save}; }' | tool k3s
      ln -s /usr/local/sbin/k3s /usr/local/bin/k3s
    `;
    const written = "echo s >/var/lib/rancher/k3s/server/db/snapshots/$5";
    const kept = `
      (cd /var/lib/homelab/snapshots/1; stat -c %a .; cat server/db/etcd/member/snap/db server/tls/server-ca.crt server/token)
      [ ! -e /var/lib/rancher/k3s ]
    `;
    for (const [what, save] of [
      ["fails", "exit 1"],
      ["is reported and not written", "exit 0"],
    ]) {
      it(`is kept when its last snapshot ${what}`, () => {
        const output = passes(`${etcd}\n${binary(save)}\n. "$FILES/functions"; tear_down_k3s 1\n${kept}`);
        expect(output).to.contain("certificates are kept in /var/lib/homelab/snapshots/1/server");
        expect(output).to.contain("700\netcd\nca\nK10::server:t\n");
      });
    }

    it("is kept when K3s does not run, and beside what an earlier run has kept", () => {
      const output = passes(`
        ${etcd}\n${binary(written)}\nrm /run/fake/k3s.active
        mkdir -p /var/lib/homelab/snapshots/1/server; echo earlier >/var/lib/homelab/snapshots/1/server/mine
        . "$FILES/functions"; tear_down_k3s 1; cd /var/lib/homelab/snapshots/1
        cat server/mine server-2/db/etcd/member/snap/db; ls -A
      `);
      expect(output).to.contain("earlier\netcd\nserver\nserver-2\n");
    });

    it("is kept also where it cannot be linked, and nothing is deleted where it cannot be kept at all", () => {
      const output = passes(`
        ${etcd}\n${binary("exit 1")}
        mkdir -p /var/lib/homelab/snapshots; mount -t tmpfs -o size=64k small /var/lib/homelab/snapshots
        head -c 200000 /dev/urandom >/var/lib/rancher/k3s/server/db/etcd/member/snap/large
        must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
        cat /var/lib/rancher/k3s/server/db/etcd/member/snap/db; [ -d /etc/rancher/k3s ]
        umount /var/lib/homelab/snapshots; mount -t tmpfs -o size=640k larger /var/lib/homelab/snapshots
        . "$FILES/functions"; tear_down_k3s 1\n${kept}
      `);
      expect(output).to.contain("nothing was deleted").and.contain("700\netcd\nca\nK10::server:t\n");
    });

    it("goes once there is a snapshot of its end", () => {
      const output = passes(`
        ${etcd}\n${binary(written)}\n. "$FILES/functions"; tear_down_k3s 1; ls -A /var/lib/homelab/snapshots/1
      `);
      expect(output).to.contain("before-teardown\ntoken\n").and.not.contain("server\n");
    });
  });

  describe("a process that no signal ends", () => {
    // A writer to a frozen file system sleeps in the kernel, as one on a dead NFS server does. The thaw ends it in any case.
    const frozen = (tool: string) => `
      disk=$base/scratch/disk; mkdir -p "$disk.mnt"; truncate -s 16M "$disk"; mkfs.ext4 -q "$disk"
      mount -o loop "$disk" "$disk.mnt" || { echo "no loop devices"; exit 0; }
      # A machine whose processes are ended while one sleeps there would stay for ever.
      trap 'fsfreeze -u "$disk.mnt" 2>/dev/null || true' EXIT
      fsfreeze -f "$disk.mnt"; (/bin/sleep 15; fsfreeze -u "$disk.mnt") & thaw=$!
      printf '%s\\n' '#!/bin/sh' "exec touch '$disk.mnt/stuck'" | tool ${tool}
    `;
    // The writer may take a moment to end once it can.
    const thawed = `kill $thaw; fsfreeze -u "$disk.mnt"; rm /usr/local/sbin/{umount,sync} 2>/dev/null || true
      tries=0
      until umount "$disk.mnt" 2>/dev/null; do [ $((tries += 1)) -lt 100 ] || exit 1; sleep 0.1; done`;
    it("a process of a pod, whose shim is gone already, is waited for, and nothing is unmounted under it", () => {
      const output = passes(`
        mount --bind "$nas" ${VOLUME}
        ${frozen("none")}
        mkdir -p /var/lib/rancher/k3s/data/abc/bin
        cp /bin/bash /var/lib/rancher/k3s/data/abc/bin/containerd-shim-runc-v2
        /var/lib/rancher/k3s/data/abc/bin/containerd-shim-runc-v2 -c "touch '$disk.mnt/stuck' & /bin/sleep 51; true" &
        /bin/sleep 0.5
        must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
        mountpoint -q ${VOLUME}
        ${thawed}
        cat ${VOLUME}/film.mkv /var/lib/rancher/k3s/server/token
      `);
      if (!output.includes("no loop devices")) {
        expect(output).to.contain("processes of the old cluster do not end").and.contain("film\nK10::server:t\n");
      }
    });

    it("sync of what was kept: nothing is deleted before it is on its disk", () => {
      const output = passes(`
        printf '%s\n' '#!/bin/sh' '[ "$1" != --file-system ] || exit 5' | tool sync
        must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
        cat /var/lib/rancher/k3s/server/token; [ -e /etc/systemd/system/k3s.service ]
      `);
      expect(output).to.contain("cannot be written to its disk (sync: status 5)").and.contain("K10::server:t\n");
    });

    for (const [tool, says] of [
      ["umount", `umount of ${VOLUME} does not end after 1 s; nothing was deleted`],
      ["sync", "sync does not end after 1 s"],
    ]) {
      it(`${tool}: the teardown ends, says so, and deletes nothing`, () => {
        const output = passes(`
          mount --bind "$nas" ${VOLUME}
          ${frozen(tool)}
          export UNMOUNT_SECONDS=1 SYNC_SECONDS=1; started=$SECONDS
          must_fail -c '. "$1"; tear_down_k3s 1' x "$FILES/functions"
          [ $((SECONDS - started)) -lt 12 ] || echo "only the thaw has ended it"
          ${thawed}
          cat ${VOLUME}/film.mkv /var/lib/rancher/k3s/server/token; [ -d /etc/rancher/k3s ]
        `);
        if (!output.includes("no loop devices")) {
          expect(output).to.contain(says).and.contain("film\nK10::server:t\n");
          expect(output).not.to.contain("only the thaw");
        }
      });
    }
  });

  it("ends this K3s' containers with their children, and no other runtime's", () => {
    passes(`
      mkdir -p /var/lib/rancher/k3s/data/abc/bin /usr/local/other
      cp /bin/bash /var/lib/rancher/k3s/data/abc/bin/containerd-shim-runc-v2
      cp /bin/bash /usr/local/other/containerd-shim-runc-v2
      /var/lib/rancher/k3s/data/abc/bin/containerd-shim-runc-v2 -c '(/bin/sleep 51; true) & /bin/sleep 52; true' & 
      /usr/local/other/containerd-shim-runc-v2 -c '/bin/sleep 53; true' &
      /bin/sleep 0.2
      . "$FILES/functions"; tear_down_k3s 1
      ! pgrep -f 'sleep 5[12]' || exit 1
      pgrep -f 'sleep 53' >/dev/null
    `);
  });

  /** A firewall with these lines in its table nat, which prints what it is given anew. */
  const iptables = (...lines: string[]) => `
      printf '%s\\n' '#!/bin/sh' "printf '%s\\\\n' ${["*nat", ...lines, "COMMIT"].map((line) => `'${line}'`).join(" ")}" | tool iptables-save
      printf '%s\\n' '#!/bin/sh' "sed 's/^/restored: /'" | tool iptables-restore`;
  const restoredMine = ["restored: *nat", "restored: :MINE - [0:0]", "restored: -A INPUT -j MINE", "restored: COMMIT"];

  it("removes those of K3s' own flannel, where K3s has run with it", () => {
    const output = passes(`
      ip link add cni0 type bridge; ip link add cni-other0 type bridge; mkdir -p /run/flannel
      ${iptables(":FLANNEL-POSTRTG - [0:0]", ":MINE - [0:0]", "-A PREROUTING -j CNI-HOSTPORT-DNAT", "-A INPUT -j MINE")}
      . "$FILES/functions"; tear_down_k3s 1
      ! ip link show cni0 2>/dev/null && ip link show cni-other0
    `);
    expect(output.match(/^restored: .*$/gm)).to.deep.equal(restoredMine);
  });

  it("removes Cilium's links and rules, which would leave the host without its network, and no others", () => {
    const output = passes(`
      ip link add cilium_host type veth peer name cilium_net || { echo "no veth in this kernel"; exit 0; }
      ip link add lan0 type bridge
      ${iptables(":CILIUM_POST_nat - [0:0]", ":MINE - [0:0]", "-A POSTROUTING -j CILIUM_POST_nat", "-A INPUT -j MINE")}
      . "$FILES/functions"; tear_down_k3s 1
      ! ip link show cilium_host 2>/dev/null && ! ip link show cilium_net 2>/dev/null && ip link show lan0
    `);
    if (!output.includes("no veth")) {
      expect(output).to.contain("lan0");
      expect(output.match(/^restored: .*$/gm)).to.deep.equal(restoredMine);
    }
  });
});
