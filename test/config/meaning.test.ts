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
      'add the key, a text; Pulumi.yaml: "addresses of pods, a /24 for each node"',
    ],
    [
      "a number that is too large, with its bound",
      (config) => (config.machines.k3s3.gpu.slices = 40),
      "machines.k3s3.gpu.slices",
      'lower it to at most 16; Pulumi.yaml: "pods that share it, 1 to 16"',
    ],
    [
      "one that must be more than its bound",
      (config) => (config.machines.k3s1.disks[disk].sizeGb = 0),
      `machines.k3s1.disks.${disk}.sizeGb`,
      'raise it to more than 0; Pulumi.yaml: "least size, in decimal gigabytes as on the label"',
    ],
    [
      "a word that is nearly right",
      (config) => (config.network.certificates.issuer = "stagin"),
      "network.certificates.issuer",
      "did you mean 'staging'?",
    ],
    [
      "a word that says which kind of group it is",
      (config) => (config.machines.k3s1.role = "workr"),
      "machines.k3s1.role",
      "did you mean 'worker'?",
    ],
    [
      "a value of another kind",
      (config) => (config.network.domain = 5),
      "network.domain",
      'write a text; Pulumi.yaml: "public domain; a service is reached at <service>.<domain>"',
    ],
    [
      "a value in a group's place",
      (config) => (config.network.gateway = 7),
      "network.gateway",
      "write a group of keys; below it are ip, alpn",
    ],
    [
      "an entry of a list",
      (config) => (config.authorizedKeys = [5]),
      "authorizedKeys[0]",
      'write a text; Pulumi.yaml: "a line of authorized_keys"',
    ],
    [
      "what is no list",
      (config) => (config.cluster.timeServers = 5),
      "cluster.timeServers",
      'write a list; Pulumi.yaml, of its entries: "NTP servers; none in a rehearsal; default ntp.ubuntu.com and time.cloudflare.com"',
    ],
    [
      "a group whose keys are names",
      (config) => (config.machines = 5),
      "machines",
      "write a group of keys; below it are names of your choice",
    ],
    [
      "true in quotes, where nothing else is allowed",
      (config) => {
        const { tier, sizeGb } = config.machines.k3s1.disks[disk];
        config.machines.k3s1.disks[disk] = { rootFilesystem: "true", tier, sizeGb };
      },
      `machines.k3s1.disks.${disk}.rootFilesystem`,
      "remove the quotes",
    ],
    [
      "a missing secret, which is set by itself and never in clear text",
      (config) => delete config.secrets.b2ApplicationKey,
      "secrets.b2ApplicationKey",
      "pulumi config set --secret --path 'homelab:secrets.b2ApplicationKey'; Pulumi.yaml: \"the secret part of that key\"",
    ],
    [
      "a secret in a group's place",
      (config) => (config.secrets.alerts = "x"),
      "secrets.alerts",
      "pulumi config set --secret --path 'homelab:secrets.alerts.<key>'; below it are names of your choice",
    ],
    [
      "a time that is missing",
      (config) => delete config.backup.schedules.daily.cron,
      "backup.schedules.daily.cron",
      'add the key, a text; Pulumi.yaml: "when critical namespaces are backed up"',
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
