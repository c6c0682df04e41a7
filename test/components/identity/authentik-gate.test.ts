import { execFile, execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { renderStep } from "../../../nodes/host-script";
import { skipBecause } from "../../support/skip";

const HOST = "authentik.example.test";
const SHA256 = "0".repeat(64);

interface World {
  /** Edits what Authentik answers for a path. */
  documents?: (documents: Record<string, string>) => void;
  trustAny?: boolean;
  /** The machine trusts the server's certificate. */
  trusted?: boolean;
  /** Exit status and output of `ak apply_blueprint`. */
  apply?: string;
  mounted?: string;
}

/** The gate in bash, with the real curl against a TLS server on loopback; only kubectl's answers are ours. */
describe("gate of Authentik", function () {
  this.timeout(60_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "authentik-gate-"));
  const certificate = path.join(folder, "cert.pem");
  const privateKey = path.join(folder, "key.pem");

  before(function () {
    try {
      const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`, "-days", "1"];
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", privateKey];
      execFileSync("openssl", ["req", "-x509", ...key, ...subject, "-out", certificate], { stdio: "ignore" });
      execFileSync("curl", ["--version"], { stdio: "ignore" });
    } catch {
      skipBecause(this, "curl or openssl is not installed");
    }
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  async function run(world: World): Promise<{ status: number; output: string }> {
    const documents: Record<string, string> = {};
    const server = https.createServer(
      { cert: fs.readFileSync(certificate), key: fs.readFileSync(privateKey) },
      (request, response) => {
        const document = documents[request.url ?? ""];
        response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(document);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `https://${HOST}:${(server.address() as AddressInfo).port}/application/o/`;
    const clients = ["prometheus", "grafana"];
    for (const client of clients) {
      documents[`/application/o/${client}/.well-known/openid-configuration`] = JSON.stringify({
        issuer: `${base}${client}/`,
        authorization_endpoint: `${base}authorize/`,
        token_endpoint: `${base}token/`,
        jwks_uri: `${base}${client}/jwks/`,
      }).replaceAll('":"', '": "');
      documents[`/application/o/${client}/jwks/`] = JSON.stringify({ keys: [{ kty: "RSA", kid: "abc" }] });
    }
    world.documents?.(documents);
    fs.writeFileSync(
      path.join(folder, "k3s"),
      [
        "#!/bin/bash",
        'case "$*" in',
        '*" rollout status "*) exit 0 ;;',
        `*"-- sha256sum /blueprints/mounted/b.yaml") echo "${world.mounted ?? SHA256}  b.yaml" ;;`,
        `*"-- ak apply_blueprint mounted/b.yaml") ${world.apply ?? "exit 0"} ;;`,
        '*) echo "unexpected: $*" >&2; exit 1 ;;',
        "esac",
      ].join("\n"),
      { mode: 0o755 },
    );
    const text = renderStep({
      name: "gate",
      source: "gates/authentik.sh",
      variables: {
        NAMESPACE: "authentik",
        WORKER: "authentik-worker",
        BLUEPRINT: "mounted/b.yaml",
        BLUEPRINT_SHA256: SHA256,
        HOST,
        GATEWAY_IP: "127.0.0.1",
        TRUST_ANY_CERTIFICATE: world.trustAny ?? false,
        ISSUERS: clients.map((client) => `${base}${client}/`),
        DISCOVERIES: clients.map((client) => `${base}${client}/.well-known/openid-configuration`),
        AUTHORIZATION: `${base}authorize/`,
        TOKEN: `${base}token/`,
        WAIT_SECONDS: 0,
        MOUNT_SECONDS: 0,
      },
      timeoutSeconds: 60,
    });
    const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}` };
    delete env.CURL_CA_BUNDLE;
    if (world.trusted ?? true) {
      env.CURL_CA_BUNDLE = certificate;
    }
    try {
      return await new Promise((resolve) => {
        const child = execFile("bash", ["-s"], { env, timeout: 50_000 }, (error, stdout, stderr) =>
          resolve({ status: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
        );
        child.stdin?.end(text);
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }

  it("opens when every client finds its provider", async () => {
    const { status, output } = await run({});
    expect(output).to.contain("every one of 2 clients");
    expect(status).to.equal(0);
  });

  it("trap 47: stays shut when an issuer lacks the slash, and says what was found", async () => {
    const { status, output } = await run({
      documents: (documents) => {
        const at = "/application/o/grafana/.well-known/openid-configuration";
        documents[at] = documents[at].replace('/grafana/"', '/grafana"');
      },
    });
    expect(status).to.equal(1);
    expect(output).to.match(
      /grafana\/\.well-known.* does not answer as its client expects: issuer is '[^']*\/grafana'/,
    );
  });

  it("trap 49: stays shut when a provider publishes no key", async () => {
    const { status, output } = await run({
      documents: (documents) => (documents["/application/o/grafana/jwks/"] = '{"keys": []}'),
    });
    expect(status).to.equal(1);
    expect(output).to.contain("no signing key");
  });

  it("trap 53: stays shut while a provider does not exist yet", async () => {
    const { status, output } = await run({
      documents: (documents) => delete documents["/application/o/prometheus/.well-known/openid-configuration"],
    });
    expect(status).to.equal(1);
    expect(output).to.match(/prometheus\/\.well-known.*404/);
  });

  it("trusts no certificate that the machine does not, unless told to", async () => {
    const refused = await run({ trusted: false });
    expect(refused.status).to.equal(1);
    expect(refused.output).to.match(/certificate/i);
    expect((await run({ trusted: false, trustAny: true })).status).to.equal(0);
  });

  it("shows what Authentik says against a blueprint", async () => {
    const { status, output } = await run({ apply: 'echo "Blueprint invalid: redirect_uris" >&2; exit 1' });
    expect(status).to.equal(1);
    expect(output).to.contain("Blueprint invalid: redirect_uris").and.to.contain("refuses the blueprint");
  });

  it("waits for the pod that has this run's blueprint", async () => {
    const { status, output } = await run({ mounted: "1".repeat(64) });
    expect(status).to.equal(1);
    expect(output).to.contain("the worker to have the blueprint of this run");
  });
});
