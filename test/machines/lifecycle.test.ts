import { expect } from "chai";
import * as net from "node:net";
import type { Worker } from "../../config/homelab";
import { lookAtHost, tearDown, teardownStep } from "../../lifecycle/actors/host";
import { disksStep } from "../../nodes/disks/step";
import { renderRun, type HostFile } from "../../nodes/host-script";
import { hostStateProvider } from "../../nodes/host-state";
import { commandLine } from "../../nodes/host-step";
import { k3sNodeStep } from "../../nodes/k3s/node-step";
import { paths } from "../../nodes/k3s/paths";
import { PACKAGES } from "../../nodes/os/settings";
import { osStep } from "../../nodes/os/step";
import { Machine } from "../../sandbox/machine";
import { changes, cleanMachine, DISKS, lab, needMachines, node, NODE, runStep, timed, WatchedState } from "./lab";

/** The machine as the configuration would describe it, at the loopback port through which it is reached here. */
function workerOn(machine: Machine, port = machine.connection().port): Worker {
  const worker = node(machine) as Worker;
  return { ...worker, address: "127.0.0.1", ssh: { ...worker.ssh, port } };
}

const login = (machine: Machine) => ({ privateKey: machine.privateKey });

/** The message of what an action throws. */
async function refusal(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    return (error as Error).message;
  }
  return "not refused";
}

/** Remembers this moment on the machine. */
const mark = (machine: Machine) => machine.sh("touch /run/marked; sleep 0.1");

/** What has been written since where steps write. */
const written = (machine: Machine) =>
  machine.sh(
    `find /etc /usr/local ${paths.memory} /run/homelab /var/log/homelab -newer /run/marked 2>/dev/null || true`,
  );

describe("taking a node's machine apart, on a booted machine", () => {
  let machine: Machine;
  let worker: Worker;
  const FILM = "sha256sum /srv/disk/film.mkv";

  before(async function () {
    needMachines(this);
    machine = await cleanMachine();
    worker = workerOn(machine);
    await machine.sh(`hostnamectl set-hostname ${machine.name}`);
    const { script } = k3sNodeStep(lab(machine), node(machine), []);
    const command = script.files!.find(({ path }) => path === paths.teardownCommand) as HostFile & { content: string };
    await machine.sh(
      `cat >${command.path} <<'END_OF_COMMAND'\n${command.content}END_OF_COMMAND\nchmod 0755 ${command.path}`,
    );
    // A played K3s with one pod, whose volume is a disk with a film.
    const shim = `${paths.data}/data/abc/bin/containerd-shim-runc-v2`;
    const volume = `${lab(machine).cluster.kubeletRoot}/pods/1/volumes/data/mount`;
    await machine.sh(`
      mkdir -p ${paths.data}/data/abc/bin ${paths.memory} /etc/rancher/k3s /etc/rancher/node ${volume} /srv/disk
      echo secret >/etc/rancher/node/password; echo '1 abc' >${paths.memory}/generation
      disk=$(readlink -f ${machine.disks["sas-2"]}); mkfs.ext4 -q "$disk"; mount "$disk" /srv/disk
      head -c 3000000 /dev/urandom >/srv/disk/film.mkv
      mount --bind /srv/disk ${volume}
      cp "$(command -v bash)" ${shim}; cp /bin/true /usr/local/bin/k3s
      cat >/etc/systemd/system/k3s-agent.service <<'END'
[Service]
KillMode=process
ExecStart=/bin/bash -c '${shim} -c "cd ${volume} && sleep 100000; true" & exec sleep infinity'
END
      systemctl daemon-reload; systemctl start k3s-agent`);
    await machine.checkpoint("node");
  });

  beforeEach(() => machine.revert("node"));

  it("looks before it touches: itself, another identity, another host key, no login; and writes nothing", async () => {
    await mark(machine);
    expect(await timed("a look", () => lookAtHost(worker, login(machine)))).to.deep.equal({ kind: "itself" });
    const stranger = { ...worker, identity: { kind: "product-serial", value: "OTHER" } as const };
    const other = await lookAtHost(stranger, login(machine));
    expect(other).to.deep.include({ kind: "other" });
    expect((other as { detail: string }).detail).to.contain(`its product-serial is '${machine.identity.value}'`);
    const wrongKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    expect(await lookAtHost({ ...worker, ssh: { ...worker.ssh, hostKey: wrongKey } }, login(machine))).to.deep.equal({
      kind: "other",
      detail: "it shows another SSH host key than the pinned one",
    });
    expect((await lookAtHost({ ...worker, ssh: { ...worker.ssh, user: "nobody" } }, login(machine))).kind).to.equal(
      "locked",
    );
    expect(await written(machine)).to.equal("");
  });

  it("does nothing on another machine, and says which one it has found", async () => {
    await mark(machine);
    const stranger = { ...worker, identity: { kind: "product-serial", value: "OTHER" } as const };
    expect(await refusal(() => tearDown(stranger, login(machine)))).to.contain("This is another machine");
    expect(await written(machine)).to.equal("");
    expect(await machine.sh("systemctl is-active k3s-agent")).to.equal("active");
  });

  // What it unmounts, keeps and refuses is in teardown.test.ts.
  it("a run that is killed in the middle is completed by the next, and one more finds nothing to do", async () => {
    const film = await machine.sh(FILM);
    const script = teardownStep(worker);
    const killed = machine.startSsh(commandLine(worker.ssh.user, script.timeoutSeconds));
    killed.stdin!.end(renderRun(script, worker.identity, ""));
    // Killed as soon as the step is on its way.
    await machine.sh(
      "until systemctl show -p ActiveState --value homelab-k3s-remove | grep -qx active; do sleep 0.1; done",
    );
    killed.kill("SIGKILL");
    const lines = await timed("teardown over SSH", () => tearDown(worker, login(machine)));
    expect(lines).to.include("changed: K3s torn down");
    expect(await machine.sh(FILM)).to.equal(film);
    const left = [paths.data, `${paths.memory}/generation`, "/etc/systemd/system/k3s-agent.service"];
    expect(await machine.sh(`ls -d ${left.join(" ")} 2>/dev/null || true`)).to.equal("");
    expect((await machine.ssh("pgrep -f 'sleep 100000'")).status, "no process of a pod is left").to.equal(1);
    expect(await tearDown(worker, login(machine))).not.to.include(`changed: ${paths.data} deleted`);
  });
});

describe("a machine that is swapped for another one at the same address", () => {
  let old: Machine;
  let fresh: Machine;
  let address: net.Server;
  let behind: Machine;
  let port: number;
  const open = new Set<net.Socket>();

  before(async function () {
    needMachines(this);
    old = await cleanMachine();
    fresh = await Machine.create({ name: NODE, packages: [...PACKAGES, "nfs-kernel-server"], disks: DISKS });
    await timed("boot of the new machine", () => fresh.boot());
    // The address: one port, behind which stands the one machine or the other.
    behind = old;
    address = net.createServer((client) => {
      const machine = net.connect(behind.connection().port, "127.0.0.1");
      for (const [one, other] of [
        [client, machine],
        [machine, client],
      ]) {
        open.add(one);
        one.on("error", () => other.destroy()).on("close", () => open.delete(one));
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve) => address.listen(0, "127.0.0.1", resolve));
    ({ port } = address.address() as net.AddressInfo);
  });

  after(async () => {
    open.forEach((socket) => socket.destroy());
    address?.close();
    await fresh?.destroy();
  });

  /** What the state of the old machine's steps still says: its host key, and probes for its identity. */
  const stateOf = (described: Machine) => ({
    machine: NODE,
    connection: { ...described.connection(), port, privateKey: behind.privateKey },
    probe: "echo '{}'",
    expected: {},
    repair: "touch /etc/written-by-a-stranger",
    providerVersion: 1,
  });

  it("is refused until the configuration says so, whichever half of the proof is still the old one's", async () => {
    expect((await lookAtHost(workerOn(old, port), login(old))).kind).to.equal("itself");
    behind = fresh;
    await mark(fresh);

    // Nothing in the configuration has changed: the host key is refused before a login.
    expect(await lookAtHost(workerOn(old, port), login(fresh))).to.deep.include({ kind: "other" });
    const props = stateOf(old);
    expect(await refusal(() => hostStateProvider.read!(NODE, props))).to.contain(
      "it shows another host key than the pinned one. This is no drift",
    );
    expect(await refusal(() => hostStateProvider.update!(NODE, props, props))).to.contain("another host key");

    // Only the host key has been edited: the step refuses the machine before its first write.
    const ran = await fresh.ssh(commandLine(fresh.user, 60), renderRun(osStep(lab(old), node(old)), old.identity, ""));
    expect(ran.status).to.equal(77);
    expect(ran.stderr).to.contain("This is another machine").and.to.contain("machines.<name>.identity");
    expect(await written(fresh)).to.equal("");
  });

  it("is set up in full once the configuration says so, and the old one is refused from then on", async () => {
    behind = fresh;
    const homelab = lab(fresh);
    expect((await lookAtHost(workerOn(fresh, port), login(fresh))).kind).to.equal("itself");
    await timed("bootstrap of the new machine", async () =>
      expect(changes(await runStep(fresh, osStep(homelab, node(fresh))))).not.to.deep.equal([]),
    );
    expect(changes(await runStep(fresh, disksStep(homelab, node(fresh))))).not.to.deep.equal([]);
    for (const state of [WatchedState.os(fresh), WatchedState.disks(fresh)]) {
      await state.create();
      expect(await state.drift()).to.deep.equal([]);
    }
    behind = old;
    expect(await lookAtHost(workerOn(fresh, port), login(old))).to.deep.include({ kind: "other" });
    const ran = await old.ssh(commandLine(old.user, 60), renderRun(osStep(homelab, node(fresh)), fresh.identity, ""));
    expect(ran.status).to.equal(77);
  });
});
