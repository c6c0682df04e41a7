import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { renderStep } from "../../../nodes/host-script";

/** What the API server would say about one certificate. */
interface State {
  verdict: string;
  lastFailureTime?: string;
}

/**
 * The gate's own bash, against a stand-in for `k3s kubectl` that answers the three questions the gate asks. It shows
 * what the gate makes of the answers; that the questions are the right ones only a cluster can show.
 */
describe("gate: certificates ready", () => {
  let folder: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-gate-"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  function run(state: State, patience = 0) {
    const answers = [
      "#!/bin/bash",
      `case "$*" in`,
      `  *patch*) echo "$*" >>${folder}/patches ;;`,
      `  *observedGeneration*) printf '%s' '${state.verdict}' ;;`,
      `  *lastFailureTime*) printf '%s' '${state.lastFailureTime ?? ""}' ;;`,
      `  *challenges*) echo 'challenge for grafana.example.org: pending connection refused' ;;`,
      "esac",
      "",
    ];
    fs.writeFileSync(path.join(folder, "k3s"), answers.join("\n"), { mode: 0o755 });
    const text = renderStep({
      name: "certificates-ready",
      source: "gates/certificates-ready.sh",
      variables: {
        NAMESPACE: "networking",
        ISSUER: "letsencrypt-staging",
        ADDRESS: "192.0.2.1",
        CERTIFICATES: ["tls-grafana=localhost"],
        PATIENCE: patience,
      },
      timeoutSeconds: 60,
    });
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync("bash", { input: text, env, encoding: "utf8" });
    const patches = path.join(folder, "patches");
    return { status, stdout, stderr, patches: fs.existsSync(patches) ? fs.readFileSync(patches, "utf8") : "" };
  }

  it("passes when the certificate is ready, and changes nothing", () => {
    const { status, stdout, patches } = run({ verdict: "True/3/3" });
    expect(status).to.equal(0);
    expect(stdout + patches).to.equal("");
  });

  it("does not take the verdict on an older specification for one on this, as after a change of the issuer", () => {
    expect(run({ verdict: "True/2/3" }).status).to.equal(1);
  });

  it("says which host fails, why, and what to check outside the cluster", () => {
    const { status, stdout, stderr } = run({ verdict: "False/3/3" });
    expect(status).to.equal(1);
    expect(stdout).to.contain("challenge for grafana.example.org: pending connection refused");
    expect(stdout).to.contain("TCP 80 and 443 of that address are forwarded to 192.0.2.1");
    expect(stderr).to.contain("letsencrypt-staging has not issued within 0 s the certificate of: localhost");
  });

  it("tries again at once after an earlier failure, which alone is no reason to give up", () => {
    const { stdout, stderr, patches } = run({ verdict: "False/3/3", lastFailureTime: "2020-01-01T00:00:00Z" });
    expect(patches).to.contain("--subresource=status").and.to.contain('"type":"Issuing","status":"True"');
    expect(stdout).to.contain("changed: certificate tls-grafana tried again");
    expect(stderr).to.contain("has not issued");
  });

  it("stops at once when Let's Encrypt refuses, instead of waiting to the end", () => {
    const { status, stderr } = run({ verdict: "False/3/3", lastFailureTime: "2999-01-01T00:00:00Z" }, 600);
    expect(status).to.equal(1);
    expect(stderr).to.contain("letsencrypt-staging has refused the certificate of: localhost");
  });
});
