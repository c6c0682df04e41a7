import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { NEEDED } from "../../doctor/checks/b2";
import { QUESTIONS } from "../../doctor/checks/cluster";
import { Deadline } from "../../doctor/deadline";
import { gather } from "../../doctor/knowledge";
import { askB2 } from "../../doctor/probes/b2";
import { accessOf, askCluster } from "../../doctor/probes/kubernetes";
import { dial, routeTo } from "../../doctor/probes/network";
import { ProbeOutput } from "../../doctor/probes/ssh";
import { rewriteKubeconfig } from "../../nodes/k3s/kubeconfig";
import { freePort } from "../support/sshd";
import { home } from "../support/home";
import { skipBecause } from "../support/skip";

/** A CA, and certificates for a server on loopback and for a client, by the real openssl. */
function certificates(folder: string, serverDays: number) {
  const file = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
    expect(status, stderr).to.equal(0);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-subj", "/CN=ca", "-days", "900", "-keyout", file("ca.key"), "-out", file("ca.crt"));
  for (const [name, days] of [
    ["server", serverDays],
    ["client", 300],
  ] as const) {
    fs.writeFileSync(file("ext"), "subjectAltName=IP:127.0.0.1\n");
    openssl("req", ...key, "-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`));
    const signed = ["-in", file(`${name}.csr`), "-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial"];
    openssl("x509", "-req", ...signed, "-days", String(days), "-extfile", file("ext"), "-out", file(`${name}.crt`));
  }
  return (name: string) => fs.readFileSync(file(name));
}

describe("the doctor's probes", () => {
  let folder: string;
  let pem: (name: string) => Buffer;
  let servers: https.Server[] = [];

  before(function () {
    if (spawnSync("openssl", ["version"]).status !== 0) {
      skipBecause(this, "openssl is not installed");
    }
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-doctor-"));
    pem = certificates(folder, 50);
  });
  afterEach(() => {
    servers.forEach((server) => {
      server.close();
      server.closeAllConnections();
    });
    servers = [];
  });
  after(() => folder && fs.rmSync(folder, { recursive: true, force: true }));

  async function serve(
    answer: https.ServerOptions & { listener: Parameters<typeof https.createServer>[1] },
  ): Promise<string> {
    const { listener, ...options } = answer;
    const server = https.createServer({ key: pem("server.key"), cert: pem("server.crt"), ...options }, listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  describe("Backblaze, by a stand-in that speaks its documented JSON", () => {
    const buckets = ["fletcherlabs-velero-backups", "fletcherlabs-etcd-snapshots"];
    const credentials = { id: "0012345", key: "K001secret" };
    const seen: { url?: string; authorization?: string; body: string }[] = [];

    /** Shapes of b2_authorize_account and b2_list_buckets, version 3. */
    const backblaze = (changes: object = {}, listStatus = 200): https.ServerOptions & { listener: any } => ({
      listener: (request: any, response: any) => {
        let body = "";
        request.on("data", (data: Buffer) => (body += data.toString()));
        request.on("end", () => {
          seen.push({ url: request.url, authorization: request.headers.authorization, body });
          const origin = `https://${request.headers.host}`;
          const basic = `Basic ${Buffer.from(`${credentials.id}:${credentials.key}`).toString("base64")}`;
          const send = (status: number, value: object) => response.writeHead(status).end(JSON.stringify(value));
          if (request.url === "/b2api/v3/b2_authorize_account") {
            if (request.headers.authorization !== basic) {
              return send(401, { status: 401, code: "unauthorized", message: "invalid application key" });
            }
            const s3ApiUrl = "https://s3.us-west-004.backblazeb2.com";
            const storageApi = {
              apiUrl: origin,
              s3ApiUrl,
              capabilities: [...NEEDED],
              bucketId: null,
              bucketName: null,
              ...changes,
            };
            return send(200, { accountId: "acc", authorizationToken: "token", apiInfo: { storageApi } });
          }
          if (listStatus !== 200) {
            return send(listStatus, { status: listStatus, code: "unauthorized", message: "not entitled" });
          }
          return send(200, {
            buckets: [
              { bucketName: buckets[0], bucketId: "1" },
              { bucketName: "films", bucketId: "2" },
            ],
          });
        });
      },
    });
    const ask = async (key = credentials, ...server: Parameters<typeof backblaze>) => {
      seen.length = 0;
      return askB2(key, buckets, new Deadline(5000), await serve(backblaze(...server)), { ca: pem("ca.crt") });
    };

    it("reads capabilities, region and which buckets are there, by two calls that only read", async () => {
      expect(await ask()).to.deep.equal({
        capabilities: [...NEEDED],
        endpoint: "s3.us-west-004.backblazeb2.com",
        buckets: { [buckets[0]]: true, [buckets[1]]: false },
      });
      expect(seen.map(({ url }) => url)).to.deep.equal(["/b2api/v3/b2_authorize_account", "/b2api/v3/b2_list_buckets"]);
      expect(seen[1]).to.include({ authorization: "token", body: '{"accountId":"acc"}' });
    });

    it("a refused key is said in the service's words, without the key", async () => {
      const facts = await ask({ ...credentials, key: "K001other" });
      expect(facts).to.deep.equal({ status: 401, problem: "unauthorized: invalid application key" });
    });

    it("a key of one bucket, and one that may not list", async () => {
      expect(await ask(credentials, { bucketId: "1", bucketName: "films" })).to.include({ confinedTo: "films" });
      const facts = await ask(credentials, {}, 401);
      expect(facts.problem).to.equal("unauthorized: not entitled");
      expect(facts.buckets).to.equal(undefined);
    });

    it("a certificate that nobody vouches for gets no key, and a service that never answers is bounded", async () => {
      seen.length = 0;
      const api = await serve(backblaze());
      const stranger = await askB2(credentials, buckets, new Deadline(5000), api);
      expect(stranger.problem).to.contain("does not answer");
      expect(seen).to.deep.equal([]);
      const mute = await serve({ listener: () => undefined });
      const began = performance.now();
      const facts = await askB2(credentials, buckets, new Deadline(300), mute, { ca: pem("ca.crt") });
      expect(facts.problem).to.contain("no answer in time");
      expect(performance.now() - began).to.be.lessThan(5000);
    });
  });

  describe("the API server, by a stand-in with real TLS that asks for the client's certificate", () => {
    const kubeconfig = (address: string) => {
      const text = stringify({
        clusters: [
          {
            name: "default",
            cluster: {
              server: "https://127.0.0.1:6443",
              "certificate-authority-data": pem("ca.crt").toString("base64"),
            },
          },
        ],
        users: [
          {
            name: "default",
            user: {
              "client-certificate-data": pem("client.crt").toString("base64"),
              "client-key-data": pem("client.key").toString("base64"),
            },
          },
        ],
        contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
        "current-context": "default",
      });
      return rewriteKubeconfig(text, address, "home");
    };
    const apiServer = (paths: string[], ready = "ok") => ({
      ca: pem("ca.crt"),
      requestCert: true,
      rejectUnauthorized: true,
      listener: (request: any, response: any) => {
        paths.push(`${request.method} ${request.url}`);
        if (request.url === "/readyz") {
          return response.writeHead(ready === "ok" ? 200 : 500).end(ready);
        }
        return request.url === QUESTIONS.gateways
          ? response.writeHead(404).end("404 page not found")
          : response.writeHead(200).end(JSON.stringify({ items: [{ metadata: { name: request.url } }] }));
      },
    });

    it("asks everything by GET with the kubeconfig that the program itself writes, and reads both certificates' ends", async () => {
      const paths: string[] = [];
      const access = accessOf(kubeconfig("127.0.0.1"));
      expect(access?.server).to.equal("https://127.0.0.1:6443");
      const url = await serve(apiServer(paths));
      const facts = await askCluster({ ...access!, server: url }, "the state", new Deadline(5000));
      expect(facts.ready).to.equal("ok");
      const days = (end: number | undefined) => Math.round(((end ?? 0) - Date.now()) / 86_400_000);
      expect([days(facts.serverCertificateEnd), days(facts.clientCertificateEnd)]).to.deep.equal([50, 300]);
      expect(facts.lists.nodes).to.deep.equal([{ metadata: { name: QUESTIONS.nodes } }]);
      expect(facts.lists.gateways).to.equal("404: 404 page not found");
      expect([...paths].sort()).to.deep.equal(["/readyz", ...Object.values(QUESTIONS)].map((at) => `GET ${at}`).sort());
    });

    it("a server that is not ready, is not there, or is another one", async () => {
      const access = accessOf(kubeconfig("127.0.0.1"))!;
      const unready = await askCluster(
        { ...access, server: await serve(apiServer([], "[-]etcd failed")) },
        "x",
        new Deadline(5000),
      );
      expect(unready.ready).to.equal("status 500: [-]etcd failed");
      const closed = await askCluster(
        { ...access, server: `https://127.0.0.1:${await freePort()}` },
        "x",
        new Deadline(5000),
      );
      expect(closed.problem).to.contain("ECONNREFUSED");
      fs.mkdirSync(path.join(folder, "other"), { recursive: true });
      const ca = certificates(path.join(folder, "other"), 50)("ca.crt").toString();
      const paths: string[] = [];
      const stranger = await askCluster(
        { ...access, ca, server: await serve(apiServer(paths)) },
        "x",
        new Deadline(5000),
      );
      expect(stranger.problem).to.match(/certificate|self.signed|UNABLE/i);
      expect(paths).to.deep.equal([]);
    });

    it("what is no kubeconfig is none", () => {
      for (const text of ["", "a: b", ": : :", "clusters: []"]) {
        expect(accessOf(text), text).to.equal(undefined);
      }
    });
  });

  describe("the network of this computer", () => {
    it("the route to loopback, and dials that are open, refused and silent", async () => {
      expect(await routeTo("127.0.0.1")).to.include({ source: "127.0.0.1", interface: "lo" });
      const url = new URL(await serve({ listener: () => undefined }));
      const open = await dial("127.0.0.1", Number(url.port), new Deadline(2000));
      open.socket?.destroy();
      expect(open.state).to.equal("open");
      expect(await dial("127.0.0.1", await freePort(), new Deadline(2000))).to.deep.equal({
        state: "refused",
        code: "ECONNREFUSED",
      });
    });
  });

  describe("what a machine prints", () => {
    it("is read in pieces, keeps what came before it hung, and minds nothing that is not ours", () => {
      const output = new ProbeOutput();
      output.begin();
      for (const piece of [
        "Welcome!\n{no json}\nclo",
        `ck ${Date.now() / 1000 + 100}\n{"section":"sys`,
        'tem","a":"1"}\n{"section":"disks"',
      ]) {
        output.add(piece);
      }
      expect(output.sections).to.deep.equal({ system: { a: "1" } });
      expect(output.clock?.offset).to.be.within(99, 101);
      expect(output.complete).to.equal(false);
      output.add(',"b":"2"}\nend of probe\n');
      expect(output.sections.disks).to.deep.equal({ b: "2" });
      expect(output.complete).to.equal(true);
    });
  });

  describe("secrets and the state, by a stand-in for the Pulumi CLI that prints its documented JSON", () => {
    const cli = (body: string) => {
      const bin = fs.mkdtempSync(path.join(folder, "bin-"));
      fs.writeFileSync(path.join(bin, "pulumi"), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
      return { PATH: `${bin}:${process.env.PATH}` };
    };
    const encrypted = home((config) => {
      config.secrets = {
        ...config.secrets,
        b2ApplicationKeyId: "id",
        b2ApplicationKey: "[encrypted]",
        sshPrivateKey: "[encrypted]",
      };
    });
    const values = { b2ApplicationKey: "plain", sshPrivateKey: "PEM" };
    const good = `case "$1" in
      config) echo '${JSON.stringify({ "homelab:secrets": { objectValue: values, secret: true } })}' ;;
      stack) echo '{"kubeconfig":"apiVersion: v1","controlPlaneHostKey":"ssh-ed25519 AAAA k3s-master1"}' ;;
    esac`;

    it("decrypts with it, and reads kubeconfig and host key of the state", async () => {
      const known = await gather("home", encrypted, cli(good), new Deadline(20_000));
      expect(known).to.deep.equal({
        credentials: { privateKey: "PEM" },
        b2: { id: "id", key: "plain" },
        vmHostKey: "ssh-ed25519 AAAA k3s-master1",
        kubeconfig: "apiVersion: v1",
      });
    });

    it("does not let it decrypt where nothing is encrypted, for it might write a salt into the stack file", async () => {
      const marker = path.join(folder, "asked");
      await gather("home", home(), cli(`[ "$1" = stack ] || touch ${marker}; exit 1`), new Deadline(20_000));
      expect(fs.existsSync(marker)).to.equal(false);
    });

    it("the environment goes first, and without either the reason is said", async () => {
      const keyFile = path.join(folder, "key");
      fs.writeFileSync(keyFile, "OTHER");
      const env = {
        B2_APPLICATION_KEY_ID: "eid",
        B2_APPLICATION_KEY: "ekey",
        HOMELAB_SSH_KEY: keyFile,
        HOMELAB_VM_HOST_KEY: "ssh-ed25519 BBBB",
      };
      const known = await gather("home", encrypted, { ...cli(good), ...env }, new Deadline(20_000));
      expect(known).to.deep.include({
        credentials: { privateKey: "OTHER" },
        b2: { id: "eid", key: "ekey" },
        vmHostKey: "ssh-ed25519 BBBB",
      });
      const without = await gather("home", encrypted, { PATH: "/nonexistent" }, new Deadline(20_000));
      expect(without.stateProblem).to.equal("there is no Pulumi CLI on PATH");
      expect(without.b2).to.deep.equal({
        problem:
          "cannot be checked: the key is encrypted in the stack file, and there was no Pulumi CLI that could decrypt it",
      });
      const placeholder = await gather("home", home(), { PATH: "/nonexistent" }, new Deadline(20_000));
      expect((placeholder.b2 as { problem: string }).problem).to.contain(
        "secrets.b2ApplicationKeyId and secrets.b2ApplicationKey not filled in",
      );
    });

    it("one that fails or hangs costs its share of the time and its own words", async () => {
      const failing = await gather(
        "home",
        home(),
        cli("echo 'error: no stack named home' >&2; exit 255"),
        new Deadline(20_000),
      );
      expect(failing.stateProblem).to.equal("pulumi stack: error: no stack named home");
      const hanging = await gather("home", home(), cli("exec sleep 30"), new Deadline(500));
      expect(hanging.stateProblem).to.equal("pulumi stack took too long");
    });
  });
});
