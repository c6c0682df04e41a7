import { expect } from "chai";
import { createHash } from "node:crypto";
import type { Homelab } from "../../../config/homelab";
import { assignments, renderProbe, renderStep } from "../../../nodes/host-script";
import { k3sNodeStep } from "../../../nodes/k3s/node-step";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { fakeK3sBinary, fakeTools, machineProblem, onMachine } from "./machine";

const VERSION = "v1.32.5+k3s1";
const hash = (text: string) => createHash("sha256").update(text).digest("hex");

type Edit = (config: any) => void;

/** The home stack with a binary whose digest is known. */
function homelabOf(edit: Edit = () => undefined, version = VERSION): Homelab {
  return home((config) => {
    config.versions.k3s = { version, sha256: hash(fakeK3sBinary(version)) };
    edit(config);
  });
}

interface Options {
  node?: string;
  edit?: Edit;
  version?: string;
  cluster?: string;
  serverToken?: string;
  agentToken?: string;
  kernel?: string[];
}

/** What the machine is sent, with this machine's kernel settings left out of it and short waits. */
function step(options: Options = {}): string {
  const homelab = homelabOf(options.edit, options.version);
  const machine = homelab.nodes.find(({ name }) => name === (options.node ?? "k3s-master1"))!;
  const { kind, script } = k3sNodeStep(homelab, machine, []);
  const { generation } = homelab.cluster;
  return [
    assignments({
      CLUSTER_ID: options.cluster ?? `home-${generation}-aaaa`,
      AGENT_TOKEN: options.agentToken ?? "agent-secret",
      ...(kind === "server" ? { SERVER_TOKEN: options.serverToken ?? "server-secret" } : {}),
    }),
    renderStep({
      ...script,
      variables: { ...script.variables, KERNEL_DEFAULTS: options.kernel ?? [], START_SECONDS: 2 },
    }),
  ].join("\n");
}

function probe(options: Options = {}): { text: string; expected: Record<string, string> } {
  const homelab = homelabOf(options.edit, options.version);
  const machine = homelab.nodes.find(({ name }) => name === (options.node ?? "k3s-master1"))!;
  const nodeStep = k3sNodeStep(homelab, machine, []);
  const text = renderProbe(nodeStep.probe, { kind: "machine-id", value: "played" });
  return { text, expected: nodeStep.expected };
}

/** A machine with the given pinned binaries already fetched. */
const machine = `
${fakeTools}
echo played >/etc/machine-id
for version in ${VERSION} v1.31.9+k3s1 v1.30.9+k3s1 v1.32.6+k3s1; do
  mkdir -p /usr/local/lib/homelab/k3s/$version
  cp "$FILES/k3s-$version" /usr/local/lib/homelab/k3s/$version/k3s
done
`;

describe("K3s steps, run for real against a played machine", function () {
  this.timeout(60_000);

  before(function () {
    const problem = machineProblem();
    if (problem) {
      skipBecause(this, problem);
    }
  });

  const passes = (script: string, files: Record<string, string> = {}) => {
    const binaries = [VERSION, "v1.31.9+k3s1", "v1.30.9+k3s1", "v1.32.6+k3s1"].map((version) => [
      `k3s-${version}`,
      fakeK3sBinary(version),
    ]);
    const { status, output } = onMachine(`${machine}\n${script}`, {
      step: step(),
      agent: step({ node: "k3s1" }),
      ...Object.fromEntries(binaries),
      ...files,
    });
    expect(output, output).not.to.contain("SHOULD HAVE FAILED");
    expect(status, output).to.equal(0);
    return output;
  };
  const factsIn = (output: string) =>
    output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, string>);

  it("server: the first run reaches what the probe expects; the second changes and restarts nothing", () => {
    const { text, expected } = probe();
    const output = passes(
      `bash "$FILES/step"; echo ---; bash "$FILES/step"; echo ---; bash "$FILES/probe"; cat /run/fake/log
       stat -c '%a %n' /etc/rancher/k3s/*; readlink /usr/local/bin/k3s /usr/local/bin/kubectl; cat /var/lib/homelab/generation`,
      { probe: text },
    );
    const [first, second] = output.split("---\n");
    expect(first).to.contain("changed: k3s restarted: it is not running");
    expect(second).to.equal("");
    const [facts] = factsIn(output);
    expect(facts).to.include(expected);
    expect(facts["certificate.notAfter"]).to.match(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Object.keys(facts).filter((name) => !(name in expected))).to.deep.equal(["certificate.notAfter"]);
    expect(output.match(/^restart k3s$/gm)).to.have.length(1);
    for (const file of ["config.yaml", "server-token", "agent-token"]) {
      expect(output).to.contain(`600 /etc/rancher/k3s/${file}`);
    }
    expect(output).to.contain(`/usr/local/lib/homelab/k3s/${VERSION}/k3s\nk3s\n`).and.contain("1 home-1-aaaa");
  });

  it("agent: reaches what the probe expects, and never holds the server's token", () => {
    const { text, expected } = probe({ node: "k3s1" });
    const output = passes(
      `bash "$FILES/agent"; echo ---; bash "$FILES/agent"; echo ---; bash "$FILES/probe"; ! grep -r server-secret /etc/rancher`,
      { probe: text },
    );
    expect(output.split("---\n")[1]).to.equal("");
    expect(factsIn(output)[0]).to.include(expected);
  });

  it("restarts when config.yaml has changed, which the stock installer does not, and takes no other way", () => {
    const changed = {
      edit: (config: { backup: { etcd: object } }) => (config.backup.etcd = { cron: "0 */3 * * *", retention: 30 }),
    };
    const output = passes(`bash "$FILES/step" >/dev/null; bash "$FILES/changed"; cat /run/fake/log`, {
      changed: step(changed),
    });
    expect(output).to.contain("what it reads at its start has changed");
    expect(output.match(/^restart k3s$/gm)).to.have.length(2);
  });

  it("restarts even if an earlier run wrote the file and died before its restart", () => {
    const output = passes(`
      bash "$FILES/step" >/dev/null
      echo '# edited and put back later' >>/etc/rancher/k3s/config.yaml
      touch /run/fake/broken; rm -f /run/fake/k3s.active; must_fail "$FILES/step" >/dev/null
      rm /run/fake/broken; touch /run/fake/k3s.active; bash "$FILES/step"
    `);
    expect(output).to.contain("changed: k3s restarted");
  });

  it("a refresh sees each kind of drift, and the same step repairs it", () => {
    const { text, expected } = probe();
    const output = passes(
      `bash "$FILES/step" >/dev/null
       echo 'debug: true' >>/etc/rancher/k3s/config.yaml; mkdir -p /etc/rancher/k3s/config.yaml.d
       echo armed >/usr/local/bin/k3s-uninstall.sh; rm /run/fake/k3s.enabled
       bash "$FILES/probe"; bash "$FILES/step" >/dev/null; bash "$FILES/probe"`,
      { probe: text },
    );
    const [drifted, repaired] = factsIn(output);
    expect(drifted.config).not.to.equal(expected.config);
    expect(drifted).to.include({
      unit: "active/disabled",
      restart: "pending",
      stockScripts: " /usr/local/bin/k3s-uninstall.sh",
    });
    expect(repaired).to.include(expected);
  });

  it("certificates: expiring and expired are seen, and a restart is what renews them", () => {
    const { text } = probe();
    const output = passes(
      `bash "$FILES/step" >/dev/null
       crt=/var/lib/rancher/k3s/server/tls/client-admin.crt
       openssl req -x509 -newkey rsa:1024 -nodes -keyout /dev/null -out $crt -days 89 -subj /CN=x 2>/dev/null; bash "$FILES/probe"
       openssl req -newkey rsa:1024 -nodes -keyout key -out csr -subj /CN=x 2>/dev/null
       openssl x509 -req -in csr -signkey key -days -1 -out $crt 2>/dev/null
       bash "$FILES/probe"; bash "$FILES/step"; bash "$FILES/probe"`,
      { probe: text },
    );
    expect(factsIn(output).map(({ certificate }) => certificate)).to.deep.equal(["expiring", "expired", "ok"]);
    expect(output).to.contain("its certificates are due for renewal");
  });

  it("snapshots: a schedule that has not run is seen and caught up with", () => {
    const { text } = probe();
    const output = passes(
      `bash "$FILES/step" >/dev/null
       touch -d '-20 hours' /var/lib/rancher/k3s/server/tls/server-ca.crt; bash "$FILES/probe"; bash "$FILES/step"; bash "$FILES/probe"`,
      { probe: text },
    );
    expect(factsIn(output).map(({ snapshots }) => snapshots)).to.deep.equal(["older than 13 hours", "fresh"]);
  });

  it("a binary that does not run any more, as after a power cut, is no version, and is fetched again", () => {
    const output = passes(
      `bash "$FILES/step" >/dev/null
       printf '#!/bin/sh\\nexit 126\\n' >/usr/local/lib/homelab/k3s/${VERSION}/k3s; must_fail "$FILES/step"`,
    );
    expect(output, "there is no network on the played machine").to.contain(
      "cannot download https://github.com/k3s-io/",
    );
  });

  it("upgrade: a snapshot first, then the new binary and a restart", () => {
    const output = passes(`bash "$FILES/step" >/dev/null; bash "$FILES/newer"; cat /run/fake/log; k3s --version`, {
      newer: step({ version: "v1.32.6+k3s1" }),
    });
    expect(output).to.match(/restart k3s\nsnapshot etcd-snapshot save .*before-v1\.32\.6\+k3s1\nrestart k3s\n/);
    expect(output).to.contain("k3s version v1.32.6+k3s1");
  });

  it("upgrade: no new binary without a snapshot, also when K3s reports one that etcd could not write", () => {
    const output = passes(
      `bash "$FILES/older" >/dev/null
       sed -i 's/touch [^;]*snapshots.*;;/: ;;/' /usr/local/lib/homelab/k3s/v1.31.9+k3s1/k3s
       must_fail "$FILES/step"; readlink /usr/local/bin/k3s`,
      { older: step({ version: "v1.31.9+k3s1" }) },
    );
    expect(output).to.contain("no etcd snapshot could be taken, so there is no upgrade");
    expect(output).to.match(/v1\.31\.9\+k3s1\/k3s\n$/);
  });

  it("refuses a downgrade and a skipped minor, naming both versions, and touches nothing", () => {
    const output = passes(
      `bash "$FILES/step" >/dev/null; must_fail "$FILES/older"; k3s --version
       ln -sfn /usr/local/lib/homelab/k3s/v1.30.9+k3s1/k3s /usr/local/bin/k3s; must_fail "$FILES/step"; k3s --version`,
      { older: step({ version: "v1.31.9+k3s1" }) },
    );
    expect(output).to.contain("v1.32.5+k3s1 is installed and newer than v1.31.9+k3s1");
    expect(output).to.contain("from K3s v1.30.9+k3s1 to v1.32.5+k3s1 skips a minor version");
  });

  it("refuses another server token, because it encrypts the bootstrap data", () => {
    const output = passes(
      `bash "$FILES/step" >/dev/null; must_fail "$FILES/other"; cat /etc/rancher/k3s/server-token; grep -c restart /run/fake/log`,
      { other: step({ serverToken: "another-secret" }) },
    );
    expect(output).to.contain("k3s token rotate").and.contain("server-secret\n1\n");
    expect(output).not.to.contain("another-secret");
  });

  it("a changed agent token is written and taken over by a restart", () => {
    const output = passes(`bash "$FILES/step" >/dev/null; bash "$FILES/other"`, { other: step({ agentToken: "new" }) });
    expect(output).to.contain("changed: /etc/rancher/k3s/agent-token").and.contain("restarted");
  });

  it("refuses a K3s that it did not install, changes nothing, and says how to take the machine over", () => {
    const output = passes(`
      mkdir -p /var/lib/rancher/k3s/server; echo mine >/var/lib/rancher/k3s/server/data
      must_fail "$FILES/step"
      [ ! -e /etc/rancher/k3s/config.yaml ] && [ ! -e /var/lib/homelab/generation ] && [ ! -e /usr/local/bin/k3s ]
      mkdir -p /var/lib/homelab; echo '0 foreign' >/var/lib/homelab/generation
      bash "$FILES/step"; [ ! -e /var/lib/rancher/k3s/server/data ]
    `);
    expect(output).to.contain("did not install").and.contain("echo '0 foreign' >/var/lib/homelab/generation");
    expect(output).to.contain("changed: K3s torn down");
  });

  it("an older generation is torn down by the guarded teardown and joins the new one", () => {
    const next = { edit: (config: { cluster: { generation: number } }) => (config.cluster.generation = 2) };
    const output = passes(
      `bash "$FILES/step" >/dev/null
       echo s >/var/lib/rancher/k3s/server/db/snapshots/etcd-old; mkdir -p /etc/rancher/node; echo pw >/etc/rancher/node/password
       bash "$FILES/next"; cat /var/lib/homelab/generation /etc/rancher/node/password; ls /var/lib/homelab/snapshots/1`,
      { next: step({ ...next, serverToken: "new-secret" }) },
    );
    expect(output).to.contain("it is torn down and joins generation 2");
    expect(output).to.contain("2 home-2-aaaa\npw\n").and.contain("etcd-old").and.contain("before-teardown");
  });

  it("an older generation whose mounts stay is refused, and stays what it was", () => {
    const next = { edit: (config: { cluster: { generation: number } }) => (config.cluster.generation = 2) };
    const output = passes(
      `bash "$FILES/step" >/dev/null
       films=/var/lib/rancher/k3s/agent/kubelet/pods/u/volumes/nfs; mkdir -p $films; mount -t tmpfs nas $films; echo film >$films/film
       (cd $films && exec /bin/sleep 50) & holder=$!
       /bin/sleep 0.2; must_fail "$FILES/next"; cat $films/film /var/lib/homelab/generation; kill $holder`,
      { next: step({ ...next, serverToken: "new-secret" }) },
    );
    expect(output).to.contain("nothing was deleted").and.contain("film\n1 home-1-aaaa\n");
  });

  describe("an older generation stays whole", () => {
    const next = (edit: Edit = () => undefined, node?: string, kernel?: string[]) =>
      step({
        node,
        kernel,
        serverToken: "new-secret",
        edit: (config: { cluster: { generation: number } }) => {
          config.cluster.generation = 2;
          edit(config);
        },
      });
    const junk = '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" != --output ] || echo junk >"$2"; shift; done\n';
    const silent = "#!/bin/sh\nexit 28\n";
    const cases: { when: string; says: string; step: string; curl?: string; agent?: boolean }[] = [
      {
        when: "the new release cannot be fetched",
        says: "cannot download https://github.com",
        step: next((config) => (config.versions.k3s.sha256 = "0".repeat(64))),
      },
      {
        when: "what is fetched is not the pinned release",
        says: `the configuration says ${"0".repeat(64)}; nothing was installed`,
        step: next((config) => (config.versions.k3s.sha256 = "0".repeat(64))),
        curl: junk,
      },
      {
        when: "the kernel would stop the new kubelet",
        says: "sysctl kernel.panic is",
        step: next(undefined, undefined, ["kernel.panic=4711"]),
      },
      {
        when: "the server that an agent would join is silent",
        says: "waited 0 s for the K3s server",
        step: next(undefined, "k3s1").replace("wait_until 120 ", "wait_until 0 "),
        curl: silent,
        agent: true,
      },
    ];
    for (const { when, says, step: failing, curl = "", agent = false } of cases) {
      it(`when ${when}`, () => {
        const first = agent ? "agent" : "step";
        const output = passes(
          `bash "$FILES/${first}" >/dev/null; echo etcd >/var/lib/rancher/k3s/marker
           [ ! -s "$FILES/curl" ] || cp "$FILES/curl" /usr/local/sbin/curl
           must_fail "$FILES/failing"
           cat /var/lib/rancher/k3s/marker /var/lib/homelab/generation /run/fake/log; ls /etc/rancher/k3s/config.yaml`,
          { failing, curl },
        );
        expect(output).to.contain(says);
        expect(output).to.contain("etcd\n1 home-1-aaaa\nrestart k3s").and.not.contain("stop k3s");
        expect(output).to.contain("/etc/rancher/k3s/config.yaml");
      });
    }

    it("and drop-ins of its own go with it, instead of stopping the rebuild", () => {
      const output = passes(
        `bash "$FILES/step" >/dev/null
         mkdir -p /etc/rancher/k3s/config.yaml.d; echo 'debug: true' >/etc/rancher/k3s/config.yaml.d/10-x.yaml
         bash "$FILES/next"; [ ! -e /etc/rancher/k3s/config.yaml.d ]; cat /var/lib/homelab/generation`,
        { next: next() },
      );
      expect(output).to.contain("2 home-2-aaaa\n");
    });
  });

  it("refuses a newer generation, and another cluster of the same number", () => {
    const output = passes(
      `bash "$FILES/step" >/dev/null; must_fail "$FILES/other"
       echo '7 home-7-aaaa' >/var/lib/homelab/generation; must_fail "$FILES/step"
       echo 'seven' >/var/lib/homelab/generation; must_fail "$FILES/step"; grep -c restart /run/fake/log`,
      { other: step({ cluster: "home-1-bbbb" }) },
    );
    expect(output).to.contain("belongs to the cluster 'home-1-aaaa'");
    expect(output).to.contain("belongs to generation 7 of the cluster, the configuration says 1");
    expect(output).to.contain("holds 'seven', which is no number").and.contain("\n1\n");
  });

  describe("incident of June 2025: the kubelet root", () => {
    const moved = {
      edit: (config: { cluster: { kubeletRoot: string } }) => (config.cluster.kubeletRoot = "/var/lib/kubelet"),
    };

    it("does not move while pods or mounts are below the old one; the migration steps are named", () => {
      const output = passes(
        `bash "$FILES/step" >/dev/null; old=/var/lib/rancher/k3s/agent/kubelet
         mkdir $old/pods/uid-7; must_fail "$FILES/moved"; rmdir $old/pods/uid-7
         mkdir -p $old/plugins/x; mount -t tmpfs csi $old/plugins/x; must_fail "$FILES/moved"; umount $old/plugins/x
         cat /var/lib/homelab/kubelet-root; bash "$FILES/moved"; cat /var/lib/homelab/kubelet-root`,
        { moved: step(moved) },
      );
      expect(output).to.contain("uid-7").and.contain("kubectl drain k3s-master1").and.contain("plugins/x (tmpfs csi)");
      expect(output)
        .to.contain("\n/var/lib/rancher/k3s/agent/kubelet\n")
        .and.match(/\n\/var\/lib\/kubelet\n$/);
    });

    const shared = (generation: number) =>
      step({
        edit: (config: { cluster: { kubeletRoot: string; generation: number } }) => {
          config.cluster.kubeletRoot = "/var/lib/films";
          config.cluster.generation = generation;
        },
      });

    it("is not taken where somebody's files lie: the teardown to come would delete them", () => {
      const output = passes(
        `mkdir -p /var/lib/films/pods /var/lib/films/plugins; echo film >"/var/lib/films/a film.mkv"
         must_fail "$FILES/shared"; [ ! -e /var/lib/homelab/generation ] && [ ! -e /etc/rancher/k3s/config.yaml ]
         rm "/var/lib/films/a film.mkv"; bash "$FILES/shared"; cat /var/lib/homelab/kubelet-root
         echo mine >/var/lib/films/later; bash "$FILES/shared"`,
        { shared: shared(1) },
      );
      expect(output).to.contain("/var/lib/films holds what no kubelet writes; nothing was changed:\n  a film.mkv\n");
      expect(output).to.contain("set cluster.kubeletRoot to a folder of its own").and.not.contain("  pods\n");
      expect(output).to.contain("\n/var/lib/films\n");
    });

    it("is not moved there, nor given to a new generation that would tear the old one down first", () => {
      const output = passes(
        `bash "$FILES/step" >/dev/null; mkdir -p /var/lib/films; echo film >/var/lib/films/film.mkv
         must_fail "$FILES/moved"; must_fail "$FILES/rebuilt"
         cat /var/lib/films/film.mkv /var/lib/homelab/generation /run/fake/log`,
        { moved: shared(1), rebuilt: shared(2) },
      );
      expect(output.match(/\/var\/lib\/films holds what no kubelet writes/g)).to.have.length(2);
      expect(output).to.contain("film\n1 home-1-aaaa\nrestart k3s\n").and.not.contain("stop k3s");
    });

    it("is read back from the running kubelet, and another one than the configured fails the step", () => {
      const output = passes(`echo /var/lib/other >/run/fake/other-root; must_fail "$FILES/step"; bash "$FILES/probe"`, {
        probe: probe().text,
      });
      expect(output).to.contain("the running kubelet's root is '/var/lib/other'");
      expect(factsIn(output)[0].kubeletRoot).to.equal("/var/lib/other");
    });

    for (const [what, line, root] of [
      [
        "the journal's arguments",
        'time="x" msg="Running kubelet --cloud-provider=external --root-dir=/srv/k --v=2"',
        "/srv/k",
      ],
      [
        "the journal of a kubelet without the argument",
        'msg="Running kubelet --cloud-provider=external"',
        "/var/lib/kubelet",
      ],
      ["nothing", "", "unknown"],
    ]) {
      it(`without a socket it is read from ${what}`, () => {
        const output = passes(`printf '%s\\n' '${line}' >/run/fake/journal; bash "$FILES/probe"`, {
          probe: probe().text,
        });
        expect(factsIn(output)[0].kubeletRoot).to.equal(root);
      });
    }
  });

  it("trap 33: a toolkit that comes after K3s restarts it, and a GPU node without the runtime fails", () => {
    const output = passes(
      `must_fail "$FILES/gpu"; printf '#!/bin/sh\\n' >/usr/local/bin/nvidia-container-runtime; chmod +x /usr/local/bin/nvidia-container-runtime
       bash "$FILES/gpu"; bash "$FILES/probe"`,
      { gpu: step({ node: "k3s3" }), probe: probe({ node: "k3s3" }).text },
    );
    expect(output).to.contain("containerd does not know the NVIDIA runtime").and.contain("restarted");
    expect(factsIn(output)[0].nvidiaRuntime).to.equal("registered");
  });

  it("trap 33: a refresh sees a toolkit that was installed under a running K3s", () => {
    const output = passes(
      `bash "$FILES/agent" >/dev/null; printf '#!/bin/sh\\n' >/usr/local/bin/nvidia-container-runtime; chmod +x /usr/local/bin/nvidia-container-runtime
       bash "$FILES/probe"; bash "$FILES/agent"; bash "$FILES/probe"`,
      { probe: probe({ node: "k3s1" }).text },
    );
    expect(factsIn(output).map(({ restart }) => restart)).to.deep.equal(["pending", "none"]);
  });

  it("refuses drop-ins that would override config.yaml, and kernel settings that stop the kubelet", () => {
    const output = passes(
      `mkdir -p /etc/rancher/k3s/config.yaml.d; echo 'debug: true' >/etc/rancher/k3s/config.yaml.d/10-x.yaml; must_fail "$FILES/step"
       rm -r /etc/rancher/k3s/config.yaml.d; must_fail "$FILES/kernel"; [ ! -e /etc/rancher/k3s/config.yaml ]`,
      { kernel: step({ kernel: ["kernel.panic=4711"] }) },
    );
    expect(output).to.contain("config.yaml.d/10-x.yaml would add to or override");
    expect(output).to.contain("sysctl kernel.panic is").and.contain("demands 4711");
  });

  it("refuses to change a machine's role within a generation", () => {
    const output = passes(`bash "$FILES/step" >/dev/null; must_fail "$FILES/agent"`);
    expect(output).to.contain("this machine runs K3s as k3s, the configuration says k3s-agent");
  });

  it("a reinstalled machine with an old name is told how to be let in", () => {
    const output = passes(
      `touch /run/fake/broken; echo 'level=fatal msg="Node password rejected, duplicate hostname"' >/run/fake/journal; must_fail "$FILES/agent"`,
    );
    expect(output).to.contain("npm run node -- forget k3s1");
  });

  it("a K3s that does not come up is quoted", () => {
    const output = passes(
      `touch /run/fake/broken; printf '%s\\n' 'level=info msg=fine' 'level=fatal msg="no such luck"' >/run/fake/journal; must_fail "$FILES/step"`,
    );
    expect(output).to.contain("no such luck").and.not.contain("msg=fine");
    expect(output).to.contain("does not come up within 2 s");
  });

  it("one that ends again and again is not waited for until the limit; what it did before does not count", () => {
    const output = passes(
      `touch /run/fake/broken; echo 40 >/run/fake/restarts; echo 'level=fatal msg="unknown flag"' >/run/fake/journal; must_fail "$FILES/step"`,
    );
    expect(output).to.contain("has ended 8 times while it was waited for").and.contain("unknown flag");
  });

  it("the stock scripts refuse and name ours; ours stops without deleting, and deletes only by the machine's name", () => {
    const output = passes(`
      bash "$FILES/step" >/dev/null
      for script in k3s-killall.sh k3s-uninstall.sh k3s-agent-uninstall.sh; do ! /usr/local/bin/$script || exit 1; done
      ! homelab-k3s-teardown || exit 1
      ! homelab-k3s-teardown delete somewhere-else || exit 1
      homelab-k3s-teardown stop; [ -e /var/lib/rancher/k3s/server/token ]
      homelab-k3s-teardown delete "$(hostname)"; [ ! -e /var/lib/rancher/k3s ] && [ ! -e /var/lib/homelab/generation ]
    `);
    expect(output).to.contain("is disarmed on this machine").and.contain("homelab-k3s-teardown delete HOSTNAME");
  });
});
