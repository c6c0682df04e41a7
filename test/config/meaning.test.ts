import { expect } from "chai";
import { meaningOf } from "../../config/meaning";
import { edited, homeConfig } from "../support/home";
import { issuesOf } from "./found";

describe("What to write instead of a mistake", () => {
  const [disk] = Object.keys((homeConfig().machines as any).k3s1.disks as object);
  const cases: [what: string, edit: (config: any) => void, path: string, fix: string][] = [
    [
      "a missing key is told with what it is for",
      (config) => delete config.network.podCidr,
      "network.podCidr",
      "add the key: addresses of pods, a /24 for each node",
    ],
    [
      "a number that is too large, with its bound",
      (config) => (config.machines.k3s3.gpu.slices = 40),
      "machines.k3s3.gpu.slices",
      "lower it to at most 16 (pods that share it, 1 to 16)",
    ],
    [
      "one that must be more than its bound",
      (config) => (config.machines.k3s1.disks[disk].sizeGb = 0),
      `machines.k3s1.disks.${disk}.sizeGb`,
      "raise it to more than 0 (least size, in decimal gigabytes as on the label)",
    ],
    [
      "a word that is nearly right",
      (config) => (config.network.certificates.issuer = "stagin"),
      "network.certificates.issuer",
      "did you mean 'staging'?",
    ],
    [
      "a value of another kind",
      (config) => (config.network.domain = 5),
      "network.domain",
      "write what belongs there: public domain; a service is reached at <service>.<domain>",
    ],
    [
      "a value in a group's place",
      (config) => (config.network.gateway = 7),
      "network.gateway",
      "write what belongs there: the keys below it are ip, alpn",
    ],
    [
      "an entry of a list",
      (config) => (config.authorizedKeys = [5]),
      "authorizedKeys[0]",
      "write what belongs there: a line of authorized_keys",
    ],
    [
      "what is no list",
      (config) => (config.cluster.timeServers = 5),
      "cluster.timeServers",
      "write what belongs there: a list of NTP servers; none in a rehearsal; default ntp.ubuntu.com and time.cloudflare.com",
    ],
  ];
  for (const [what, edit, path, fix] of cases) {
    it(what, () => {
      expect(issuesOf(edited(edit)).map((issue) => [issue.path, issue.fix])).to.deep.include([path, fix]);
    });
  }

  it("is known for every value that the home stack has", () => {
    const unknown: string[] = [];
    const visit = (value: unknown, keys: (string | number)[]): void => {
      if (meaningOf(keys) === undefined) {
        unknown.push(keys.join("."));
      }
      if (Array.isArray(value)) {
        value.forEach((child, index) => visit(child, [...keys, index]));
      } else if (typeof value === "object" && value !== null) {
        Object.entries(value).forEach(([key, child]) => visit(child, [...keys, key]));
      }
    };
    Object.entries(homeConfig()).forEach(([section, value]) => visit(value, [section]));
    expect(unknown).to.deep.equal([]);
  });
});
