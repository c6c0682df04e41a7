import { expect } from "chai";
import { hostStateProvider } from "../../../nodes/host-state";
import type { Machine } from "../../../sandbox/machine";
import { failure } from "../../support/failure";
import { edited } from "../../support/home";
import { recordedStack, revealed } from "../../support/stack";
import { FINGERPRINT } from "../fingerprint";
import { logins, needMachines, runAs, timed } from "../lab";
import { rest, secondMachine } from "../second-machine";

/** What the configuration says of each machine: each kind of proof, none of them true of the machine that answers. */
const ELSEWHERE: Record<string, { kind: string; value: string }> = {
  r730: { kind: "product-serial", value: "R730-SERIAL" },
  k3s1: { kind: "machine-id", value: "0123456789abcdef0123456789abcdef" },
  k3s2: { kind: "product-uuid", value: "11111111-2222-4333-8444-555555555555" },
  k3s3: { kind: "product-serial", value: "SUPERMICRO-SERIAL" },
};

/** A resource's inputs, as far as they matter here. */
interface Step {
  name: string;
  create?: string;
  stdin?: string;
  probe?: string;
  connection: { user: string };
}

describe("another machine at the right address", () => {
  let machine: Machine;
  let steps: Step[];

  before(async function () {
    needMachines(this);
    machine = await secondMachine();
    // The whole home program, every machine of it.
    const stack = await recordedStack(
      "home",
      edited((config) => {
        for (const [name, identity] of Object.entries(ELSEWHERE)) {
          config.machines[name].identity = identity;
        }
      }),
    );
    steps = stack.resources
      // A login asks for the host key, and runs nothing.
      .filter(({ type }) => !type.endsWith(":HostLogin"))
      .map(({ name, inputs }) => ({ name, ...(revealed(inputs) as object) }))
      .filter((inputs): inputs is Step => "connection" in inputs);
  });

  after(() => rest(machine));

  it("is refused by every step of the program, for each kind of proof, before anything is written", async () => {
    const texts = steps.filter(({ stdin }) => stdin !== undefined);
    expect(texts.length, "the program has steps").to.be.greaterThan(30);
    expect(steps.filter(({ stdin, probe }) => stdin === undefined && probe === undefined)).to.deep.equal([]);
    const before = await machine.sh(FINGERPRINT);
    await timed(`${texts.length} steps`, async () => {
      for (const { name, create, stdin, connection } of texts) {
        const user = connection.user === "root" ? "root" : machine.user;
        const ran = await runAs(machine, user, create!, stdin!);
        expect(ran.status, `${name}: ${ran.stderr}`).to.equal(77);
        expect(ran.stderr, name)
          .to.match(/This is another machine: its (product-serial|product-uuid|machine-id) is '[^']+'/)
          .and.to.contain("Nothing was written");
      }
    });
    expect(await machine.sh(FINGERPRINT)).to.equal(before);
    expect(
      await machine.sh("ls -d /var/log/homelab /var/lib/homelab /run/homelab* /etc/rancher 2>/dev/null || true"),
    ).to.equal("");
  });

  it("is an error and no drift to every state, over one connection", async () => {
    const states = steps.filter(({ probe }) => probe !== undefined);
    expect(states.length).to.be.greaterThan(15);
    const before = await logins(machine);
    await timed(`${states.length} states`, () =>
      Promise.all(
        states.map(async (state) => {
          const props = { ...state, machine: state.name, connection: machine.connection(), expected: {} };
          const said = await failure(hostStateProvider.read!(state.name, props as never));
          expect(said, state.name).to.contain("This is another machine");
        }),
      ),
    );
    expect((await logins(machine)) - before, "logins").to.equal(1);
  });
});
