import { spawnSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { constants, gzipSync } from "node:zlib";
import { PROVIDER_VERSION, hostStateProvider, packed } from "../../nodes/host-state";
import { renderProbe } from "../../nodes/host-script";
import { root } from "../support/home";
import { failure } from "../support/failure";
import { freePort, sshdProblem, startSshd, type TestSshd } from "../support/sshd";
import { skipBecause } from "../support/skip";

type Props = Parameters<NonNullable<typeof hostStateProvider.create>>[0];

describe("host state, over a real sshd", () => {
  let sshd: TestSshd;
  let folder: string;
  let watched: string;

  before(async function () {
    const problem = sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-state-"));
    watched = path.join(folder, "watched");
  });

  beforeEach(() => fs.writeFileSync(watched, "as it should be\n"));

  after(() => {
    sshd?.stop();
    if (folder) {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  const props = (changes: Partial<Props> = {}): Props => ({
    machine: "k3s1",
    connection: sshd.connection,
    probe: `printf '{"file":"%s","quoted":"a \\\\"word\\\\""}\\n' "$(cat ${watched})"`,
    expected: { file: "as it should be" },
    repair: packed(`echo 'as it should be' >${watched}`),
    providerVersion: PROVIDER_VERSION,
    ...changes,
  });
  const create = (wanted: Props) => hostStateProvider.create(wanted);

  it("create asserts what the step before it reached, and names each fact that even a second run does not bring", async () => {
    expect((await create(props())).outs?.facts).to.deep.equal({ file: "as it should be", quoted: 'a "word"' });
    fs.writeFileSync(watched, "something else\n");
    const repair = packed("true");
    expect(await failure(create(props({ repair })))).to.contain(
      "file: is 'something else', should be 'as it should be'",
    );
    expect(fs.readFileSync(watched, "utf8")).to.equal("something else\n");
  });

  it("create goes on where a run was interrupted between the step and its state", async () => {
    fs.writeFileSync(watched, "drifted meanwhile\n");
    expect((await create(props())).outs?.facts).to.include({ file: "as it should be" });
  });

  it("a refresh sees drift by read and diff, and update repairs it", async () => {
    const created = (await create(props())).outs as Props;
    fs.writeFileSync(watched, "edited by hand\n");
    const seen = (await hostStateProvider.read!("k3s1", created)).props as Props;
    expect(seen.facts).to.include({ file: "edited by hand" });
    expect((await hostStateProvider.diff!("k3s1", seen, props())).changes).to.equal(true);

    const updated = (await hostStateProvider.update!("k3s1", seen, props())).outs as Props;
    expect(updated.facts).to.include({ file: "as it should be" });
    expect((await hostStateProvider.diff!("k3s1", updated, props())).changes).to.equal(false);
  });

  it("a repair that another zlib has packed is the same one, an edited or unknown one is not", async () => {
    const created = (await create(props())).outs as Props;
    const text = `echo 'as it should be' >${watched}`;
    const diff = async (repair: string) => (await hostStateProvider.diff!("k3s1", created, props({ repair }))).changes;
    const otherwise = gzipSync(text, { level: 1, strategy: constants.Z_HUFFMAN_ONLY }).toString("base64");
    expect(otherwise).not.to.equal(created.repair);
    expect(await diff(otherwise)).to.equal(false);
    expect(await diff(packed(`${text} `))).to.equal(true);
    expect(await diff("unknown")).to.equal(true);
  });

  it("update leaves a machine alone that is already as expected", async () => {
    const created = (await create(props())).outs as Props;
    const marker = path.join(folder, "repaired");
    await hostStateProvider.update!("k3s1", created, props({ repair: packed(`touch ${marker}`) }));
    expect(fs.existsSync(marker)).to.equal(false);
  });

  it("an unreachable machine is an error that says so, not drift", async () => {
    const port = await freePort();
    const message = await failure(
      hostStateProvider.read!("k3s1", props({ connection: { ...props().connection, port } })),
    );
    expect(message).to.contain(`k3s1 (127.0.0.1:${port}) cannot be asked`).and.to.contain("no drift");
  });

  it("refuses a machine that shows another host key, before anything runs on it", async () => {
    const marker = path.join(folder, "ran");
    const message = await failure(
      create(
        props({
          connection: { ...props().connection, hostKey: sshd.otherHostKey },
          probe: `touch ${marker}; echo '{}'`,
        }),
      ),
    );
    expect(message).to.contain("another host key than the pinned one");
    expect(fs.existsSync(marker)).to.equal(false);
  });

  it("a probe refuses to report another machine's state", async () => {
    const identity = { kind: "machine-id", value: "0".repeat(32) } as const;
    const probe = renderProbe({ source: "apply-crds.probe.sh", variables: { CRDS: [] } }, identity);
    expect(await failure(create(props({ probe })))).to.contain("This is another machine");
  });

  describe("connections", () => {
    const read = (wanted: Props) => hostStateProvider.read!("k3s1", wanted);
    const settle = () => new Promise((resolve) => setTimeout(resolve, 100));

    it("one for all states of a machine, however many are asked at once", async () => {
      await new Promise((resolve) => setTimeout(resolve, 3500)); // The last test's connection is idle no longer.
      const before = sshd.logins();
      const began = performance.now();
      const states = Array.from({ length: 25 }, (_, index) =>
        read(props({ probe: `printf '{"file":"as it should be","number":"${index}"}'`, machine: `state ${index}` })),
      );
      const facts = (await Promise.all(states)).map(({ props: seen }) => (seen as Props).facts?.number);
      console.log(`      25 probes over loopback: ${Math.round(performance.now() - began)} ms`);
      expect(facts).to.deep.equal(Array.from({ length: 25 }, (_, index) => String(index)));
      await settle();
      expect(sshd.logins() - before).to.equal(1);
    });

    it("one that fails takes no other state with it", async () => {
      const [failed, fine] = await Promise.allSettled([read(props({ probe: "exit 3" })), read(props())]);
      expect(failed.status).to.equal("rejected");
      expect(fine.status).to.equal("fulfilled");
    });

    it("one that breaks while a probe runs is made again, and the answer is right", async () => {
      const before = sshd.logins();
      const marker = path.join(folder, "asked");
      const slow = read(props({ probe: `echo x >>${marker}; sleep 1; printf '{"file":"as it should be"}'` }));
      while (!fs.existsSync(marker)) {
        await settle();
      }
      sshd.cut();
      expect(((await slow).props as Props).facts).to.deep.equal({ file: "as it should be" });
      expect(fs.readFileSync(marker, "utf8")).to.equal("x\nx\n");
      expect(sshd.logins() - before).to.be.within(1, 2);
    });

    it("one that breaks again is an error that says so, not drift", async () => {
      const message = failure(read(props({ probe: "sleep 30; echo '{}'" })));
      await settle();
      const cutting = setInterval(() => sshd.cut(), 300);
      expect(await message)
        .to.contain("cannot be asked")
        .and.to.contain("no drift");
      clearInterval(cutting);
      expect(((await read(props())).props as Props).facts, "and it recovers").to.include({ file: "as it should be" });
    });

    it("does not keep the process running", () => {
      const program = `
        const { hostStateProvider } = require("./nodes/host-state");
        hostStateProvider.read("k3s1", JSON.parse(process.argv[1])).then(() => process.exitCode = 0);`;
      const began = performance.now();
      const options = { encoding: "utf8", cwd: root, timeout: 30_000 } as const;
      const args = ["-r", "ts-node/register/transpile-only", "-e", program, JSON.stringify(props())];
      const { status, stderr } = spawnSync(process.execPath, args, options);
      expect(status, stderr).to.equal(0);
      console.log(`      a process with one probe: ${Math.round(performance.now() - began)} ms`);
    });
  });
});
