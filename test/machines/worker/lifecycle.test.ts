import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type { Identity, Worker } from "../../../config/homelab";
import { lookAtHost, tearDown, teardownStep } from "../../../lifecycle/actors/host";
import { renderProbe, renderRun, type HostFile, type HostProbe, type HostScript } from "../../../nodes/host-script";
import { PROVIDER_VERSION, hostStateProvider, packed, type Facts } from "../../../nodes/host-state";
import { commandLine } from "../../../nodes/host-step";
import { ed25519HostKey } from "../../../nodes/hypervisor/host-key";
import { k3sNodeStep } from "../../../nodes/k3s/node-step";
import { paths } from "../../../nodes/k3s/paths";
import { osState, osStep } from "../../../nodes/os/step";
import type { Machine } from "../../../sandbox/machine";
import { failure } from "../../support/failure";
import { cleanMachine, lab, needMachines, node, NODE, timed } from "../lab";

/** The machine as the configuration would describe it, at the loopback port through which it is reached here. */
function workerOn(machine: Machine): Worker {
  const worker = node(machine) as Worker;
  return { ...worker, address: "127.0.0.1", ssh: { ...worker.ssh, port: machine.connection().port } };
}

const login = (machine: Machine) => ({ privateKey: machine.privateKey });

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
    expect(await timed("a look", () => lookAtHost(worker, login(machine)))).to.deep.equal({
      kind: "itself",
      machineId: await machine.sh("cat /etc/machine-id"),
    });
    const stranger = { ...worker, identity: { kind: "product-serial", value: "OTHER" } as const };
    const other = await lookAtHost(stranger, login(machine));
    expect(other).to.deep.include({ kind: "other" });
    expect((other as { detail: string }).detail).to.contain(`its product-serial is '${machine.identity.value}'`);
    const wrongKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    expect(await lookAtHost({ ...worker, ssh: { ...worker.ssh, hostKey: wrongKey } }, login(machine))).to.deep.equal({
      kind: "other",
      detail: "it shows another SSH host key than the pinned one",
    });
    expect(await failure(tearDown(stranger, login(machine)))).to.contain("This is another machine");
    expect((await lookAtHost({ ...worker, ssh: { ...worker.ssh, user: "nobody" } }, login(machine))).kind).to.equal(
      "locked",
    );
    expect(await written(machine)).to.equal("");
  });

  // What it unmounts, keeps and refuses is in teardown.test.ts.
  it("a run that is killed in the middle is completed by the next", async () => {
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
  });
});

/**
 * The new machine is the old one as it was installed, with what a new one brings along: a machine-id and a host key of its
 * own.
 */
describe("a machine that is swapped for another one at the same address", () => {
  let machine: Machine;
  let old: Description;
  let fresh: Description;

  /** What the configuration says of the machine at the address. */
  interface Description {
    readonly identity: Identity;
    readonly hostKey: string;
  }
  const worker = ({ identity, hostKey }: Description): Worker => {
    const found = workerOn(machine);
    return { ...found, identity, ssh: { ...found.ssh, hostKey } };
  };
  /** The program's own HostState of a step, for a machine that is described so. */
  const state = (described: Description, step: HostScript, probe: HostProbe, expected: Facts) => ({
    machine: NODE,
    connection: { ...machine.connection(), hostKey: described.hostKey },
    probe: renderProbe(probe, described.identity),
    expected,
    repair: packed(renderRun(step, described.identity, "")),
    providerVersion: PROVIDER_VERSION,
  });
  const osOf = (described: Description) => {
    const { probe, expected } = osState(lab(machine), node(machine));
    return state(described, osStep(lab(machine), node(machine)), probe, expected);
  };
  before(async function () {
    needMachines(this);
    machine = await cleanMachine();
    const key = ed25519HostKey(randomBytes(32).toString("base64"), "new");
    const id = randomBytes(16).toString("hex");
    old = {
      identity: { kind: "machine-id", value: await machine.sh("cat /etc/machine-id") },
      hostKey: machine.hostKey,
    };
    fresh = { identity: { kind: "machine-id", value: id }, hostKey: key.publicKey };
    expect((await lookAtHost(worker(old), login(machine))).kind).to.equal("itself");
    await machine.sh(`
      echo ${id} >/etc/machine-id
      cat >/etc/ssh/ssh_host_ed25519_key <<'END'
${key.privateKey.trimEnd()}
END
      echo '${key.publicKey}' >/etc/ssh/ssh_host_ed25519_key.pub
      touch /run/marked; sleep 0.1
      systemctl restart ssh.service`);
  });

  after(() => machine?.revert("clean"));

  it("is refused until the configuration says so, whichever half of the proof is still the old one's", async () => {
    // Nothing in the configuration has changed: the host key is refused before a login.
    expect(await lookAtHost(worker(old), login(machine))).to.deep.include({ kind: "other" });
    for (const act of ["read", "update"] as const) {
      const props = osOf(old);
      const message = await failure(
        act === "read" ? hostStateProvider.read!(NODE, props) : hostStateProvider.update!(NODE, props, props),
      );
      expect(message, act)
        .to.contain("it shows another host key than the pinned one")
        .and.to.contain("This is no drift");
    }

    // Only the host key has been edited: the step refuses the machine before its first write.
    const half = { ...fresh, identity: old.identity };
    expect(await lookAtHost(worker(half), login(machine))).to.deep.include({ kind: "other" });
    const message = await failure(hostStateProvider.update!(NODE, osOf(half), osOf(half)));
    expect(message).to.contain("exit status 77: This is another machine").and.to.contain("machines.<name>.identity");

    const look = {
      ...osOf(fresh),
      probe: `find /etc /usr/local /var/lib -newer /run/marked -type f | grep -c homelab || true`,
    };
    const { props } = await hostStateProvider.read!(NODE, look);
    expect((props as { facts: unknown }).facts, "files of the program on the machine").to.equal(0);
  });

  it("is set up once the configuration says so, and from then on the old one is refused", async () => {
    expect((await lookAtHost(worker(fresh), login(machine))).kind).to.equal("itself");
    // Its disks are the business of disks.test.ts, and take as long again in emulation.
    const props = osOf(fresh);
    await timed("bootstrap of the new machine", () => hostStateProvider.update!(NODE, props, props));
    const { props: found } = await hostStateProvider.read!(NODE, props);
    const drift = hostStateProvider.diff!(NODE, found as never, props) as Promise<{ changes: boolean }>;
    expect((await drift).changes, "drift").to.equal(false);
    await machine.revert("clean");
    expect(await lookAtHost(worker(fresh), login(machine)), "the old one is back").to.deep.include({ kind: "other" });
  });
});
