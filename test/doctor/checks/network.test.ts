import { expect } from "chai";
import { NEEDED, judgeAccount, judgeBuckets, judgeCapabilities } from "../../../doctor/checks/b2";
import { judgeBgp, judgeNames, judgeResolvers } from "../../../doctor/checks/network";
import type { Answer, Facts, HostFacts } from "../../../doctor/facts";
import { expectNextSteps, expectVerdict, facts, healthy, house } from "../facts";

describe("the doctor's judgement of router, DNS and Backblaze", () => {
  const home = house();
  const server = "10.77.0.1";

  it("BGP: seen from the nodes, whose sockets tell; this computer's own answer proves little", () => {
    const nodes = (...states: (string | undefined)[]): Facts["hosts"] =>
      Object.fromEntries(
        home.targets.map(({ name }, index): [string, HostFacts] => [
          name,
          { ...healthy(name), sections: states[index] ? { network: { bgp: states[index] } } : {} },
        ]),
      );
    const judge = (hosts: Facts["hosts"], bgp: Facts["bgp"]) => judgeBgp(home, facts({ hosts, bgp }));
    expectVerdict(judge(nodes(undefined, "open", "open"), { state: "refused" }), "ok", /k3s-master1, k3s1/);
    expectVerdict(judge(nodes(undefined, "established", "no session"), { state: "open" }), "warning", /no session/);
    expectVerdict(
      judge(nodes(undefined, "refused", "open"), { state: "open" }),
      "warning",
      /TCP 179 of 10\.77\.0\.1 is refused/,
    );
    expectVerdict(judge(nodes(), { state: "open" }), "ok", /from this computer/);
    expectVerdict(judge(nodes(), { state: "refused" }), "unknown", /neighbours only/);
    const without = house((config) => (config.network.bgp = undefined));
    expect(judgeBgp(without, facts({ hosts: nodes() }))).to.deep.equal([]);
  });

  const all = (answer: Answer, of = home) => ({
    [server]: Object.fromEntries(Object.values(of.homelab.routes).map((name) => [name, answer])),
  });

  it("resolver: silence is one fault, a refusal of one name is none of the resolver's", () => {
    expectVerdict(judgeResolvers(home, all({ addresses: [], problem: "ETIMEOUT" })), "error", /ETIMEOUT/);
    expectVerdict(judgeResolvers(home, all({ addresses: [], problem: "ENOTFOUND" })), "ok", /answers/);
    expectVerdict(judgeResolvers(home, {}), "error", /not asked/);
  });

  it("names: split wants the gateway, hairpin wants anything but a private address", () => {
    const hairpin = house((config) => (config.network.dns = "hairpin"));
    const severities = (of: typeof home, answer: Answer) => {
      const verdicts = judgeNames(of, all(answer, of));
      expect(verdicts).to.have.length(Object.keys(of.homelab.routes).length);
      expectNextSteps(verdicts);
      return [...new Set(verdicts.map(({ severity }) => severity))];
    };
    expect(severities(home, { addresses: ["10.77.0.224"] })).to.deep.equal(["ok"]);
    expect(severities(home, { addresses: ["203.0.113.7"] })).to.deep.equal(["error"]);
    expect(severities(home, { addresses: ["10.77.0.224", "10.77.0.9"] })).to.deep.equal(["error"]);
    expect(severities(home, { addresses: [], problem: "ENOTFOUND" })).to.deep.equal(["error"]);
    expect(severities(hairpin, { addresses: ["203.0.113.7"] })).to.deep.equal(["ok"]);
    for (const address of ["10.77.0.224", "192.168.10.224", "172.31.0.1", "100.64.0.1", "127.0.0.1"]) {
      expect(severities(hairpin, { addresses: [address] }), address).to.deep.equal(["error"]);
    }
    expect(severities(hairpin, { addresses: ["172.32.0.1"] })).to.deep.equal(["ok"]);
  });

  it("one wrong name is named alone", () => {
    const dns = {
      [server]: {
        ...all({ addresses: ["10.77.0.224"] })[server],
        "grafana.fletcherlabs.net": { addresses: ["10.0.0.1"] },
      },
    };
    const wrong = judgeNames(home, dns).filter(({ severity }) => severity !== "ok");
    expect(expectVerdict(wrong, "error", /10\.77\.0\.1 says: 10\.0\.0\.1/).item).to.equal("grafana.fletcherlabs.net");
  });

  it("Backblaze: refused, silent, not to be asked, in another region", () => {
    const endpoint = home.homelab.backup.b2.endpoint;
    expectVerdict(judgeAccount(home, { capabilities: [...NEEDED], endpoint }), "ok", /accepted/);
    expectVerdict(judgeAccount(home, { status: 401, problem: "unauthorized" }), "error", /refused: unauthorized/);
    expectVerdict(
      judgeAccount(home, { status: 503, problem: "service_unavailable" }),
      "unknown",
      /service_unavailable/,
    );
    expectVerdict(judgeAccount(home, { problem: "Backblaze does not answer: ENOTFOUND" }), "unknown", /ENOTFOUND/);
    const unread = expectVerdict(
      judgeAccount(home, { problem: "cannot be checked: the key is encrypted" }),
      "unknown",
      /encrypted/,
    );
    expect(unread.next).to.contain("B2_APPLICATION_KEY_ID");
    const elsewhere = judgeAccount(home, { capabilities: [...NEEDED], endpoint: "s3.eu-central-003.backblazeb2.com" });
    expect(expectVerdict(elsewhere, "error", /eu-central-003/).goOn).to.equal(true);
  });

  it("capabilities: each that is missing is named, and a key of one bucket is refused", () => {
    expectVerdict(judgeCapabilities({ capabilities: [...NEEDED, "shareFiles"] }), "ok", /sufficient/);
    for (const missing of NEEDED) {
      const capabilities = NEEDED.filter((capability) => capability !== missing);
      expectVerdict(judgeCapabilities({ capabilities }), "error", new RegExp(`lacks ${missing}$`));
    }
    expectVerdict(judgeCapabilities({ capabilities: [...NEEDED], confinedTo: "films" }), "error", /bucket films/);
  });

  it("buckets: absent before the first run and there after it are in order, the reverse is not", () => {
    const { veleroBucket, etcdBucket } = home.homelab.backup.b2;
    const judge = (there: boolean, built: boolean) =>
      judgeBuckets(home, { buckets: { [veleroBucket]: there, [etcdBucket]: there } }, built).map(
        ({ severity }) => severity,
      );
    expect(judge(false, false)).to.deep.equal(["ok", "ok"]);
    expect(judge(true, true)).to.deep.equal(["ok", "ok"]);
    expect(judge(true, false)).to.deep.equal(["warning", "warning"]);
    expect(judge(false, true)).to.deep.equal(["error", "error"]);
    expect(judgeBuckets(home, { problem: "unauthorized" }, true).map(({ severity }) => severity)).to.deep.equal([
      "unknown",
      "unknown",
    ]);
  });
});
