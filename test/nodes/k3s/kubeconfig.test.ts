import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { kubeconfigRead, rewriteKubeconfig } from "../../../nodes/k3s/kubeconfig";
import { skipBecause } from "../../support/skip";

/** As K3s writes it (pkg/clientaccess/kubeconfig.go, v1.32.5+k3s1). */
const stock = {
  apiVersion: "v1",
  clusters: [{ cluster: { "certificate-authority-data": "Q0E=", server: "https://127.0.0.1:6443" }, name: "default" }],
  contexts: [{ context: { cluster: "default", user: "default" }, name: "default" }],
  "current-context": "default",
  kind: "Config",
  preferences: {},
  users: [{ name: "default", user: { "client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ" } }],
};

describe("kubeconfig", () => {
  it("points at the control plane, is named like the cluster, and keeps CA and certificate", () => {
    expect(parse(rewriteKubeconfig(stringify(stock), "192.168.10.30", "home"))).to.deep.equal({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "home", cluster: { server: "https://192.168.10.30:6443", "certificate-authority-data": "Q0E=" } },
      ],
      users: [{ name: "home", user: { "client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ" } }],
      contexts: [{ name: "home", context: { cluster: "home", user: "home" } }],
      "current-context": "home",
    });
  });

  it("is read by kubectl", function () {
    if (spawnSync("kubectl", ["version", "--client"]).status !== 0) {
      skipBecause(this, "needs kubectl");
    }
    const input = rewriteKubeconfig(stringify(stock), "192.168.10.30", "home");
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "homelab-kubeconfig-")), "config");
    fs.writeFileSync(file, input);
    const args = ["--kubeconfig", file, "config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"];
    const { stdout } = spawnSync("kubectl", args, { encoding: "utf8" });
    fs.rmSync(path.dirname(file), { recursive: true });
    expect(stdout).to.equal("https://192.168.10.30:6443");
  });

  const bad: [string, string, RegExp][] = [
    ["nothing", "", /is empty; read: nothing/],
    ["blank lines", " \n\n", /is empty/],
    ["an error message", "sudo: a password is required", /is no kubeconfig.*'sudo: a password is required'/],
    ["no YAML", "a: [b", /is not YAML.*'a: \[b'/],
    ["a list", "- a", /is no kubeconfig/],
    ["no clusters", stringify({ ...stock, clusters: [] }), /is no kubeconfig/],
    ["two clusters", stringify({ ...stock, clusters: [...stock.clusters, ...stock.clusters] }), /is no kubeconfig/],
    ["a null entry", stringify({ ...stock, users: [null] }), /is no kubeconfig/],
    ["no client key", stringify({ ...stock, users: [{ name: "x", user: { token: "secret-token" } }] }), /certificates/],
  ];
  for (const [what, text, message] of bad) {
    it(`fails on ${what}, saying what was read and no secret`, () => {
      expect(() => rewriteKubeconfig(text, "192.168.10.30", "home")).to.throw(message);
      expect(() => rewriteKubeconfig(text, "192.168.10.30", "home")).not.to.throw(/S0VZ|secret-token/);
    });
  }

  it("is read again exactly when the file changes", () => {
    const identity = { kind: "machine-id", value: "x" } as const;
    const base = { generation: 1, version: "v1.32.5+k3s1", certificateEnd: "2027-01-01T00:00:00Z" };
    const text = kubeconfigRead(identity, base);
    expect(kubeconfigRead(identity, { ...base })).to.equal(text);
    for (const change of [{ generation: 2 }, { version: "v1.32.6+k3s1" }, { certificateEnd: "2027-12-01T00:00:00Z" }]) {
      expect(kubeconfigRead(identity, { ...base, ...change })).not.to.equal(text);
    }
  });
});
