import { expect } from "chai";
import { spawn, spawnSync } from "node:child_process";
import * as net from "node:net";
import * as path from "node:path";
import { answerOf, findingOf, lookAtHost, type Login } from "../../lifecycle/actors/host";
import { forgetRefusals, type HostFinding } from "../../lifecycle/preflight";
import { root } from "../support/home";
import { skipBecause } from "../support/skip";
import { freePort, sshdProblem, startSshd, type TestSshd } from "../support/sshd";
import { facts, worker } from "./facts";

const SECONDS = 1;
const notReady = facts({ nodes: facts().nodes.map((node) => ({ ...node, ready: node.name !== "k3s3" })) });

/** Whether the machine may be forgotten as dead, by what was found of it alone. */
const forgettable = (found: HostFinding) => forgetRefusals(worker(), notReady, found, "undecided").length === 0;

const at = (port: number, hostKey = worker().ssh.hostKey) => ({
  ...worker(),
  address: "127.0.0.1",
  ssh: { ...worker().ssh, user: "root", port, hostKey },
});

describe("whether a machine is dead, by a look at its address", () => {
  const servers: net.Server[] = [];
  const sockets: net.Socket[] = [];

  /** The port of a TCP server. */
  async function listen(meet: (socket: net.Socket) => void): Promise<number> {
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      meet(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as net.AddressInfo).port;
  }

  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    for (const server of servers.splice(0)) {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  for (const [what, meet] of Object.entries<(socket: net.Socket) => void>({
    "accepts and stays mute, as with a hung sshd": () => undefined,
    "accepts and closes at once": (socket) => socket.end(),
    "accepts and resets": (socket) => socket.resetAndDestroy(),
    "says its version and closes": (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"),
    "says its version and hangs": (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"),
    "speaks no SSH": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  })) {
    it(`one that ${what} is not`, async () => {
      const found = await lookAtHost(at(await listen(meet)), {}, SECONDS);
      expect(found).to.deep.include({ kind: "locked" });
      expect(forgettable(found)).to.equal(false);
    });
  }

  it("one that refuses is not: a kernel has answered", async () => {
    const found = await lookAtHost(at(await freePort()), {}, SECONDS);
    expect(found).to.deep.include({ kind: "locked" });
    expect((found as { detail: string }).detail).to.contain("ECONNREFUSED");
    expect(forgettable(found)).to.equal(false);
  });

  it("no error is taken for another machine, and nothing but silence for death", () => {
    const failed = (code: string, connected = false) =>
      findingOf({ error: Object.assign(new Error(code), { code }), connected }).kind;
    for (const code of ["ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN"]) {
      expect(failed(code), code).to.equal("silent");
      expect(failed(code, true), `${code} after a connection`).to.equal("locked");
    }
    for (const code of ["ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EPERM", "EMFILE", ""]) {
      expect(failed(code), code || "no code").to.equal("locked");
    }
  });

  it("one that cannot read its own identity has not shown that it is another", () => {
    const said = (found: string) => ({
      status: 77,
      stdout: "",
      stderr: `sudo: unable to resolve host\nThis is another machine: its product-serial is '${found}', the configuration says 'BOX3'. Nothing was written.\n`,
    });
    expect(answerOf("product-serial", said("BOX4")).kind).to.equal("other");
    expect(answerOf("product-serial", said("")).kind).to.equal("locked");
    expect(answerOf("product-serial", { status: 77, stdout: "", stderr: "" }).kind).to.equal("locked");
  });

  describe("against a real sshd", () => {
    let sshd: TestSshd;
    let login: Login;

    before(async function () {
      const problem = sshdProblem();
      if (problem !== undefined) {
        skipBecause(this, problem);
      }
      sshd = await startSshd();
      login = { privateKey: sshd.privateKey };
    });

    after(() => sshd?.stop());

    it("one that shows another host key is another machine", async () => {
      const found = await lookAtHost(at(sshd.port), login, 15);
      expect(found).to.deep.equal({ kind: "other", detail: "it shows another SSH host key than the pinned one" });
      expect(forgettable(found)).to.equal(true);
    });

    it("one with the pinned key and no login is not dead", async () => {
      const found = await lookAtHost(at(sshd.port, sshd.hostKey), {}, 15);
      expect(found).to.deep.equal({ kind: "locked", detail: "All configured authentication methods failed" });
    });

    it("one with the pinned key and another identity is another machine", async () => {
      const pinned = at(sshd.port, sshd.hostKey);
      const other = await lookAtHost({ ...pinned, identity: { kind: "machine-id", value: "x" } }, login, 15);
      expect(other.kind).to.equal("other");
      const id = (other as { detail: string }).detail.match(/is '([^']*)'/)![1];
      const itself = await lookAtHost({ ...pinned, identity: { kind: "machine-id", value: id } }, login, 15);
      expect(itself).to.deep.equal({ kind: "itself", machineId: id });
    });

    it("a connection that is cut in the middle of the look is not silence", async () => {
      const look = lookAtHost(at(sshd.port, sshd.hostKey), login, 15);
      const cutter = setInterval(() => sshd.cut(), 1);
      const found = await look.finally(() => clearInterval(cutter));
      expect(found.kind).to.equal("locked");
    });
  });

  describe("in a network namespace of its own, where nobody answers", () => {
    before(function () {
      if (process.getuid?.() !== 0) {
        skipBecause(this, "needs root, for a network namespace");
      }
    });

    /** What is found at an address after commands that prepare the network. */
    const lookFrom = async (prepare: string, address: string): Promise<HostFinding> => {
      const child = spawn(
        "unshare",
        [
          ...["--net", "bash", "-euc", `${prepare}\nexec "$@"`, "bash"],
          ...[process.execPath, "-r", "ts-node/register/transpile-only"],
          ...[path.join(root, "test", "lifecycle", "look-process.ts"), address, String(SECONDS)],
        ],
        { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
      );
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
      child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
      const status = await new Promise((resolve) => child.once("close", resolve));
      expect(status, stderr).to.equal(0);
      return JSON.parse(stdout) as HostFinding;
    };
    // A cable into nowhere swallows what is sent to somebody whose hardware address is known.
    const swallow = [
      "ip link add void type veth peer name nowhere",
      "ip address add 10.77.0.1/24 dev void",
      "ip link set void up",
      "ip link set nowhere up",
      "ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev void",
    ].join("\n");

    it("no answer at all is silence", async () => {
      const found = await lookFrom(swallow, "10.77.0.9");
      expect(found).to.deep.equal({ kind: "silent", detail: "no answer in 1 s" });
      expect(forgettable(found)).to.equal(true);
    });

    it("a host that the network says is not there is silence", async () => {
      const found = await lookFrom(`${swallow}\nip route add unreachable 10.77.0.9`, "10.77.0.9");
      expect(found.kind).to.equal("silent");
    });

    it("no way out of this computer says nothing about the machine", async () => {
      const found = await lookFrom("true", "10.77.0.9");
      expect(found).to.deep.equal({
        kind: "locked",
        detail: "nobody can tell from this computer (connect ENETUNREACH 10.77.0.9:22 - Local (0.0.0.0:0))",
      });
    });

    it("a silent port 22 is not, where the kernel refuses at the kubelet's", async function () {
      if (spawnSync("python3", ["--version"]).status !== 0) {
        skipBecause(this, "needs python3");
      }
      // A queue of one that nobody empties: the kernel swallows further connections to it.
      const full = `ip link set lo up
        exec python3 -c '
import socket, subprocess, sys
server = socket.socket(); server.bind(("127.0.0.1", 22)); server.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting: one.setblocking(False); one.connect_ex(("127.0.0.1", 22))
sys.exit(subprocess.call(sys.argv[1:]))' "$@"`;
      const found = await lookFrom(full, "127.0.0.1");
      expect(found).to.deep.equal({ kind: "locked", detail: "TCP 22 is silent, but TCP 10250 answers" });
      expect(forgettable(found)).to.equal(false);
    });
  });
});
