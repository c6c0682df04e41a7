import { expect } from "chai";
import type { HostScript } from "../../../nodes/host-script";
import { commandLine } from "../../../nodes/host-step";
import type { Machine } from "../../../sandbox/machine";
import { finished, type Ran } from "../../../sandbox/processes";
import { changes, needMachines, stepText, timed } from "../lab";
import { rest, secondMachine } from "../second-machine";

/** A step of the tests' own; `source` is found relative to nodes/scripts. */
function step(name: string, variables: Record<string, string | number>, timeoutSeconds = 300): HostScript {
  return { name, source: `../../test/machines/every-machine/steps/${name}.sh`, variables, timeoutSeconds };
}

/** As HostStep does it, by a connection of its own. */
const runStep = (machine: Machine, script: HostScript): Promise<Ran> =>
  machine.ssh(commandLine(machine.user, script.timeoutSeconds), stepText(machine, script));

describe("the runner of steps, on a booted machine", () => {
  let machine: Machine;

  before(async function () {
    needMachines(this);
    machine = await secondMachine();
  });

  after(() => rest(machine));

  /** Waits two minutes for a condition in bash, on the machine itself. */
  const until = (condition: string, complaint: string) =>
    machine.sh(
      `for _ in {1..480}; do if ${condition}; then exit 0; fi; sleep 0.25; done; echo '${complaint}' >&2; exit 1`,
    );
  const running = (unit: string) =>
    until(`systemctl is-active --quiet homelab-${unit}`, `the step ${unit} does not start`);

  /** Starts a step, cuts the connection while it runs, and returns when the client is gone. */
  const cut = async (script: HostScript) => {
    const client = machine.startSsh(commandLine(machine.user, script.timeoutSeconds));
    const ended: Promise<Ran> = finished(client, stepText(machine, script));
    await running(script.name);
    client.kill("SIGKILL");
    expect((await ended).status).to.equal(-1);
  };

  /** A step that goes on once `goOn` says so. */
  const counted = (index: number) => step("counted", { RUNS: `/var/tmp/runs-${index}` });
  const goOn = (index: number) => machine.sh(`touch /var/tmp/runs-${index}.go`);
  /** Waits until so many runners wait on the machine for a step: each watches its main process by a `tail`. */
  const waiting = (count: number) =>
    until(`[ "$(pgrep --full --count '^tail --pid=')" = ${count} ]`, `there never were ${count} runners that wait`);

  it("a step survives a cut connection, who comes back waits for it, and it runs once", async () => {
    const script = counted(1);
    await cut(script);
    const comesBack = runStep(machine, script);
    await waiting(2);
    await goOn(1);
    const again = await comesBack;
    expect(again.stdout).to.contain("running already; waiting for it");
    expect(changes(again)).to.deep.equal(["changed: counted in /var/tmp/runs-1"]);
    expect(await machine.sh("cat /var/tmp/runs-1")).to.equal("run");
  });

  it("two connections with the same text at once share one run", async () => {
    const both = [runStep(machine, counted(2)), runStep(machine, counted(2))];
    await waiting(2);
    await goOn(2);
    for (const ran of await Promise.all(both)) {
      expect(changes(ran)).to.deep.equal(["changed: counted in /var/tmp/runs-2"]);
    }
    expect(await machine.sh("cat /var/tmp/runs-2")).to.equal("run");
  });

  it("another text of the same step waits for the first and then runs; neither is lost", async () => {
    await cut(counted(3));
    await goOn(4);
    const second = runStep(machine, counted(4));
    await waiting(2);
    expect((await machine.ssh("test -e /var/tmp/runs-4")).status, "the second waits").to.equal(1);
    await goOn(3);
    expect(changes(await second)).to.deep.equal(["changed: counted in /var/tmp/runs-4"]);
    expect(await machine.sh("cat /var/tmp/runs-3 /var/tmp/runs-4")).to.equal("run\nrun");
    expect(await machine.sh("grep -c counted /var/log/homelab/counted.log.1")).to.equal("1");
  });

  it("a failing step ends with its status and its last lines", async () => {
    const ran = await runStep(machine, step("failing", {}));
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.contain("Step failing failed on sandbox with status 1");
    expect(ran.stderr).to.contain("error: the disk is on fire; fix: put it out");
    expect(ran.stderr).to.contain("line 100").and.not.contain("line 50\n");
  });

  it("a step is ended at its time limit, with everything that it started", async () => {
    const ran = await runStep(machine, { ...counted(5), timeoutSeconds: 5 });
    expect(ran.status).to.equal(124);
    expect(ran.stderr).to.contain("was ended after 5 s");
    const left = await machine.ssh("pgrep -f '^/bin/bash /run/homelab/jobs'");
    expect(left.status, `left: ${left.stdout}`).to.equal(1);
  });

  it("a step survives that systemd executes itself again, as when its package is upgraded", async () => {
    expect(changes(await runStep(machine, step("reexecuting", {})))).to.deep.equal(["changed: systemd executed again"]);
  });

  it("another machine at the same address is refused, and nothing is written", async () => {
    const script = counted(6);
    const text = stepText(machine, script).replace(machine.identity.value, "SOMEBODYELSE");
    const ran = await machine.ssh(commandLine(machine.user, 60), text);
    expect(ran.status).to.equal(77);
    expect(ran.stderr).to.contain("This is another machine").and.to.contain(machine.identity.value);
    expect((await machine.ssh("test -e /var/tmp/runs-6")).status).to.equal(1);
  });

  it("nobody but root can read what a step was given", async () => {
    const script = counted(7);
    await cut(script);
    const unprivileged = await machine.ssh("cat /run/homelab/jobs/counted/payload; tr '\\0' ' ' </proc/*/cmdline");
    expect(unprivileged.stdout).not.to.contain("HOMELAB_");
    expect(await machine.sh("stat -c '%a %U' /run/homelab/jobs /run/homelab/jobs/counted")).to.equal(
      "700 root\n700 root",
    );
    await goOn(7);
    await runStep(machine, script);
    expect(await machine.sh("ls /run/homelab/jobs/counted")).to.equal("exit\nhash");
  });

  describe("reboot", () => {
    const bootId = () => machine.sh("cat /proc/sys/kernel/random/boot_id");
    /** The first login that succeeds, as a dial that is retried. */
    const nextLogin = async (): Promise<string> => {
      await timed("rebooted, seen from outside", () => machine.untilLogin());
      return bootId();
    };

    it("a step that needs a reboot hands over to the new boot: who lost the connection and comes back reboots it once, and is told", async () => {
      const before = await bootId();
      const script = step("rebooting", { MARKER: "/var/tmp/rebooted", SECONDS_BEFORE: 20 });
      await cut(script);
      const ran = await runStep(machine, script);
      expect(ran.status, ran.stderr).to.equal(0);
      expect(ran.stdout).to.contain("The machine reboots to complete the step.");
      expect(await nextLogin()).not.to.equal(before);
      expect(changes(await runStep(machine, script))).to.deep.equal(["changed: rebooted"]);
    });
  });
});
