import { expect } from "chai";
import type { HostFile } from "../../../nodes/host-script";
import { k3sNodeStep } from "../../../nodes/k3s/node-step";
import { paths, stockScripts } from "../../../nodes/k3s/paths";
import type { Machine } from "../../../sandbox/machine";
import { cleanMachine, lab, needMachines, node, timed } from "../lab";

const FILMS = "sha256sum /srv/films/film.mkv /srv/disk/film.mkv";

/** Installs files of the program on the machine, as `install_files` would. */
async function install(machine: Machine, files: readonly HostFile[]): Promise<void> {
  for (const { path, mode, content } of files) {
    if (typeof content === "string") {
      const base64 = Buffer.from(content).toString("base64");
      await machine.sh(`mkdir -p "$(dirname ${path})"; base64 -d <<<'${base64}' >${path}; chmod ${mode} ${path}`);
    }
  }
}

describe("K3s teardown, on a booted machine with real mounts", () => {
  let machine: Machine;
  let kubeletRoot: string;
  const volume = (uid: string) => `${kubeletRoot}/pods/${uid}/volumes/kubernetes.io~csi/data/mount`;
  const teardown = (...words: string[]) => machine.ssh(`${paths.teardownCommand} ${words.join(" ")}`, "", "root");

  before(async function () {
    needMachines(this, { always: true });
    machine = await cleanMachine();
    await machine.sh(`hostnamectl set-hostname ${machine.name}`);
    const homelab = lab(machine);
    kubeletRoot = homelab.cluster.kubeletRoot;
    const { script } = k3sNodeStep(homelab, node(machine, homelab), []);
    await install(
      machine,
      script.files!.filter(({ path }) => [paths.teardownCommand, ...stockScripts].includes(path as never)),
    );
    // An NFS server on the machine itself, and a disk of its own, both with films; and a K3s of which pods use both.
    await timed("an NFS server", () =>
      machine.sh(`
        mkdir -p /srv/films /srv/disk
        head -c 3000000 /dev/urandom >/srv/films/film.mkv
        echo '/srv/films 127.0.0.1(rw,no_root_squash,no_subtree_check,insecure)' >/etc/exports
        systemctl restart nfs-kernel-server
        disk=$(readlink -f ${machine.disks["sas-2"]})
        mkfs.ext4 -q "$disk"; mount "$disk" /srv/disk
        head -c 3000000 /dev/urandom >/srv/disk/film.mkv`),
    );
    // The shim of a pod survives the end of K3s, as the real one does, and its pod works in the NFS share.
    const shim = `${paths.data}/data/abc/bin/containerd-shim-runc-v2`;
    await machine.sh(`
      mkdir -p ${paths.data}/data/abc/bin ${paths.data}/server/db/snapshots ${paths.memory} /etc/rancher/k3s
      echo snapshot >${paths.data}/server/db/snapshots/etcd-1; echo token >${paths.data}/server/token
      echo ${kubeletRoot} >${paths.memory}/kubelet-root
      mkdir -p ${volume("nfs")} ${volume("bind")} ${volume("memory")} ${volume("loop")}
      cp "$(command -v bash)" ${shim}
      truncate -s 16M /var/tmp/loop.img; mkfs.ext4 -q /var/tmp/loop.img
      cat >/etc/systemd/system/k3s-agent.service <<'END'
[Service]
KillMode=process
ExecStart=/bin/bash -c '${shim} -c "cd ${volume("nfs")} && sleep 100000; true" & exec sleep infinity'
[Install]
WantedBy=multi-user.target
END
      cp /bin/true /usr/local/bin/k3s
      systemctl daemon-reload`);
    await machine.checkpoint("k3s");
  });

  beforeEach(async () => {
    await machine.revert("k3s");
    // Mounts of pods, made anew each time because a checkpoint does not hold an NFS session over.
    await machine.sh(`
      mount -t nfs -o vers=4.2,hard 127.0.0.1:/srv/films ${volume("nfs")}
      mount --bind /srv/disk ${volume("bind")}
      mount -t tmpfs pod ${volume("memory")}
      mount -o loop /var/tmp/loop.img ${volume("loop")}
      systemctl enable --now -q k3s-agent.service`);
  });

  it("a pod's NFS share, disk, tmpfs and loop file system are unmounted, K3s is deleted, and not one film is", async () => {
    const films = await machine.sh(FILMS);
    const ran = await timed("teardown", () => teardown("delete", machine.name));
    expect(ran.status, ran.stderr + ran.stdout).to.equal(0);
    expect(await machine.sh(FILMS)).to.equal(films);
    expect(
      await machine.sh(`findmnt --raw --noheadings --output TARGET | grep -E '${paths.data}|kubelet' || true`),
    ).to.equal("");
    expect(
      await machine.sh(`ls -d ${paths.data} ${kubeletRoot} /etc/systemd/system/k3s-agent.service 2>/dev/null || true`),
    ).to.equal("");
    expect((await machine.ssh("pgrep -f 'sleep 100000'")).status, "no process of a pod is left").to.equal(1);
    expect(await machine.sh(`cat ${paths.memory}/snapshots/by-hand-*/etcd-1`)).to.equal("snapshot");
    expect((await teardown("delete", machine.name)).status, "and again").to.equal(0);
  });

  it("a mount that somebody else holds is refused by name, and nothing is deleted", async () => {
    const films = await machine.sh(FILMS);
    await machine.sh(`systemd-run -q --unit=player sh -c 'cd ${volume("bind")} && exec sleep 5000'; sleep 2`);
    const ran = await timed("refusal", () => teardown("delete", machine.name));
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.contain("still mounted at or below").and.to.contain("nothing was deleted");
    expect(ran.stderr).to.contain(volume("bind"));
    expect(await machine.sh(FILMS)).to.equal(films);
    expect(await machine.sh(`cat ${volume("bind")}/film.mkv | sha256sum; cat ${paths.data}/server/token`)).to.contain(
      "token",
    );
    await machine.sh("systemctl stop player");
    expect((await teardown("delete", machine.name)).status).to.equal(0);
    expect(await machine.sh(FILMS)).to.equal(films);
  });

  it("what the stock script does there, unmount by force and delete whatever came of it, deletes through the mount", async () => {
    await machine.sh(`systemd-run -q --unit=player sh -c 'cd ${volume("bind")} && exec sleep 5000'; sleep 2`);
    const ran = await machine.ssh(
      `systemctl stop k3s-agent
       for path in $(findmnt --raw --noheadings --output TARGET | grep ^${paths.data} | sort --reverse); do umount -f $path; done
       rm -rf ${paths.data} ${kubeletRoot}`,
      "",
      "root",
    );
    expect(ran.stderr).to.contain("busy");
    // This is why ours refuses, and why the stock scripts are disarmed: the same attack as before, and the film is gone.
    expect((await machine.ssh("test -e /srv/disk/film.mkv", "", "root")).status).to.equal(1);
  });

  it("an NFS server that died: bounded in time, and every film is there when it is back", async () => {
    const films = await machine.sh(FILMS);
    await machine.sh("systemctl stop nfs-kernel-server");
    // One umount is given 90 s by itself; what is shown is that it ends.
    const ran = await timed("teardown with a dead NFS server", () =>
      machine.ssh(`UNMOUNT_SECONDS=15 ${paths.teardownCommand} delete ${machine.name}`, "", "root"),
    );
    // The kernel detaches a share that nobody uses any more before it waits for its server: umount ends well, or is ended
    // while it waits, with the share attached or gone. What counts is that nothing was deleted through it.
    console.log(`      it ended with status ${ran.status}`);
    expect(ran.milliseconds, "at most the sync, and three attempts at each mount").to.be.lessThan(300_000);
    if (ran.status === 0) {
      expect(await machine.sh(`findmnt --raw --noheadings --types nfs,nfs4 | wc -l || true`)).to.equal("0");
    } else {
      expect(ran.stderr).to.contain("nothing was deleted");
      expect(await machine.sh(`cat ${paths.data}/server/token`)).to.equal("token");
    }
    await machine.sh("systemctl start nfs-kernel-server");
    expect((await teardown("delete", machine.name)).status).to.equal(0);
    expect(await machine.sh(FILMS)).to.equal(films);
  });

  it("stopping unmounts and deletes nothing", async () => {
    const ran = await teardown("stop");
    expect(ran.status, ran.stderr).to.equal(0);
    expect(await machine.sh(`cat ${paths.data}/server/token; systemctl is-active k3s-agent || true`)).to.equal(
      "token\ninactive",
    );
    expect(await machine.sh(`findmnt --raw --noheadings --output TARGET | grep -c ${kubeletRoot} || true`)).to.equal(
      "0",
    );
  });

  it("another machine's name, and the stock scripts, do nothing", async () => {
    const films = await machine.sh(FILMS);
    expect((await teardown("delete", "k3s2")).stderr).to.contain("say its name");
    for (const script of stockScripts) {
      const ran = await machine.ssh(script, "", "root");
      expect(ran.status, script).to.equal(1);
      expect(ran.stderr).to.contain("is disarmed on this machine");
    }
    expect(await machine.sh("systemctl is-active k3s-agent")).to.equal("active");
    expect(await machine.sh(`findmnt --raw --noheadings --output TARGET | grep -c ${kubeletRoot}`)).to.equal("4");
    expect(await machine.sh(FILMS)).to.equal(films);
  });
});
