import { expect } from "chai";
import * as net from "node:net";
import { PROVIDER_VERSION, hostLoginProvider, logIn } from "../../nodes/host-login";
import { failure } from "../support/failure";
import { freePort, sshdProblem, startSshd, type TestSshd } from "../support/sshd";
import { skipBecause } from "../support/skip";

type Props = Parameters<typeof hostLoginProvider.create>[0];

describe("the first login on a machine, over a real sshd", () => {
  let sshd: TestSshd;

  before(async function () {
    const problem = sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
  });
  after(() => sshd?.stop());

  const props = (connection: Partial<Props["connection"]> = {}): Props => ({
    machine: "k3s1",
    connection: { ...sshd.connection, ...connection },
    incarnation: "first",
    otherKey: "Put its new key into machines.k3s1.ssh.hostKey.",
    providerVersion: PROVIDER_VERSION,
  });

  it("logs in and leaves", async () => {
    const before = sshd.logins();
    const { id, outs } = await hostLoginProvider.create(props());
    expect([id, outs]).to.deep.equal(["k3s1", props()]);
    expect(sshd.logins()).to.equal(before + 1);
  });

  it("another host key than the pinned one is refused by the first dial, with both ways out", async () => {
    const before = sshd.logins();
    const message = await failure(hostLoginProvider.create(props({ hostKey: sshd.otherHostKey })));
    expect(message)
      .to.contain(`k3s1 (127.0.0.1:${sshd.port}) is refused, nothing has been run on it`)
      .and.to.contain("another host key than the pinned one")
      .and.to.contain(sshd.hostKey.split(" ")[1])
      .and.to.contain("machines.k3s1.ssh.hostKey");
    expect(sshd.logins()).to.equal(before);
  });

  it("a machine that boots is waited for: first nobody listens, then somebody who does not speak yet, then sshd", async () => {
    const port = await freePort();
    const login = logIn(props({ port }));
    let dials = 0;
    const mute = net.createServer((socket) => {
      dials += 1;
      if (dials < 2) {
        socket.destroy();
        return;
      }
      // From now on it is the real one.
      const real = net.connect(sshd.port, "127.0.0.1");
      socket.pipe(real).pipe(socket);
      [socket, real].forEach((one) => one.on("error", () => undefined));
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await new Promise<void>((resolve) => mute.listen(port, "127.0.0.1", resolve));
    await login;
    mute.close();
    expect(dials).to.equal(2);
  });

  it("one that never answers, and one that lets nobody in, are given up, each for its reason", async () => {
    const patience = { silent: 2, noLogin: 2 };
    const port = await freePort();
    expect(await failure(logIn(props({ port }), patience)))
      .to.contain("has let nobody in for 2 seconds")
      .and.to.contain("ECONNREFUSED")
      .and.to.contain("npm run doctor");
    expect(await failure(logIn(props({ user: "nobody" }), patience)))
      .to.contain("shows the pinned host key and does not let nobody in")
      .and.to.contain("secrets.sshPrivateKey");
  });

  it("a private key that cannot be read is said at once, and not taken for a machine that is silent", async () => {
    expect(await failure(logIn(props({ privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nno key\n" }))))
      .to.contain("cannot be dialled: Cannot parse privateKey")
      .and.to.contain("secrets.sshPrivateKey");
  });

  it("logs in again for another connection, another incarnation and other code, and for nothing else", async () => {
    const changes = async (news: Props) => (await hostLoginProvider.diff!("k3s1", props(), news)).changes;
    expect(await changes(props())).to.equal(false);
    expect(await changes(props({ port: 22 }))).to.equal(true);
    expect(await changes({ ...props(), incarnation: "second" })).to.equal(true);
    expect(await changes({ ...props(), providerVersion: PROVIDER_VERSION + 1 })).to.equal(true);
    const before = sshd.logins();
    await hostLoginProvider.update!("k3s1", props(), { ...props(), incarnation: "second" });
    expect(sshd.logins()).to.equal(before + 1);
  });
});
