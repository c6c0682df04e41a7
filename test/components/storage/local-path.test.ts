import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { LocalPath } from "../../../components/storage/local-path";
import {
  localPathClass,
  localPathClusterRole,
  localPathConfig,
  localPathDeployment,
  localPathRole,
} from "../../../components/storage/local-path-manifests";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";

describe("local-path", () => {
  it("keeps volumes where the configuration says", () => {
    const moved = home((config) => (config.storage.localPath = { path: "/srv/volumes" }));
    expect(JSON.parse(localPathConfig(moved)["config.json"])).to.deep.equal({
      nodePathMap: [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: ["/srv/volumes"] }],
    });
    expect(localPathConfig(moved).teardown).to.contain("BASE='/srv/volumes'");
  });

  it("trap 30: its class is not the default", () => {
    expect(JSON.stringify(localPathClass.metadata)).not.to.contain("is-default-class");
  });

  it("makes volumes of type local, which Velero can back up and the kubelet gives to an fsGroup", () => {
    expect(localPathClass.metadata).to.deep.include({ annotations: { defaultVolumeType: "local" } });
    expect(localPathClass.volumeBindingMode).to.equal("WaitForFirstConsumer");
  });

  it("uses the pinned images only", () => {
    const { images } = home().versions;
    const helper = parse(localPathConfig(home())["helperPod.yaml"]) as { spec: { containers: { image: string }[] } };
    expect(helper.spec.containers.map(({ image }) => image)).to.deep.equal([images.localPathHelper]);
    expect(JSON.stringify(localPathDeployment(home()))).to.contain(images.localPathProvisioner);
  });

  it("helper pods have the container name that the provisioner reads logs of, and no token", () => {
    const helper = parse(localPathConfig(home())["helperPod.yaml"]) as {
      spec: { automountServiceAccountToken: boolean; containers: { name: string }[] };
    };
    expect(helper.spec.containers[0].name).to.equal("helper-pod");
    expect(helper.spec.automountServiceAccountToken).to.equal(false);
  });

  it("its rights to pods, logs and config maps end at its namespace; secrets it never sees", () => {
    const clusterWide = localPathClusterRole.flatMap(({ resources }) => resources as string[]);
    expect(clusterWide).not.to.include.members(["pods"]);
    expect(clusterWide).not.to.include.members(["configmaps"]);
    expect([...clusterWide, ...localPathRole.flatMap(({ resources }) => resources as string[])]).not.to.include(
      "secrets",
    );
    expect([...localPathRole, ...localPathClusterRole].flatMap(({ verbs }) => verbs as string[])).not.to.include("*");
  });

  it("starts once rights, account and config are there", async () => {
    const homelab = home();
    const { resources } = await record(() => {
      new LocalPath("local-path", {
        homelab,
        controlPlane: hostOf(homelab, homelab.controlPlane, {
          identity: { kind: "product-uuid", value: "5f0c1d7e" },
          hostKey: "ssh-ed25519 AAAA",
        }),
      });
    });
    const provisioner = resources.find(({ name }) => name === "local-path-provisioner");
    const needs = provisioner?.dependencies.map((urn) => urn.split("::").pop());
    expect(needs).to.include.members(["local-path-account", "local-path-config", "local-path-role-binding"]);
  });

  describe("scripts, run by sh", () => {
    let base: string;
    let outside: string;

    /** Runs a script of the config map with its BASE moved into a folder of the test. */
    const run = (script: "setup" | "teardown", volume: string) => {
      const homelab = home((config) => (config.storage.localPath = { path: base }));
      return spawnSync("sh", ["-s"], {
        input: localPathConfig(homelab)[script],
        env: { ...process.env, VOL_DIR: volume },
        encoding: "utf8",
      });
    };

    beforeEach(() => {
      const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "local-path-")));
      base = path.join(folder, "base");
      outside = path.join(folder, "films");
      fs.mkdirSync(base);
      fs.mkdirSync(outside);
      fs.writeFileSync(path.join(outside, "film.mkv"), "film");
    });

    afterEach(() => {
      fs.rmSync(path.dirname(base), { recursive: true, force: true });
    });

    it("make a directory that any pod user writes to and no user of the node reaches, also twice", () => {
      const volume = path.join(base, "pvc-1_monitoring_prometheus");
      expect(run("setup", volume).status).to.equal(0);
      expect(run("setup", volume).status).to.equal(0);
      expect(fs.statSync(volume).mode & 0o7777).to.equal(0o777);
      expect(fs.statSync(base).mode & 0o7777).to.equal(0o700);
    });

    it("delete a volume with everything in it", () => {
      const volume = path.join(base, "pvc-1_monitoring_prometheus");
      run("setup", volume);
      fs.writeFileSync(path.join(volume, "wal"), "x");
      expect(run("teardown", volume).status).to.equal(0);
      expect(fs.existsSync(volume)).to.equal(false);
    });

    it("follow no link out of a volume", () => {
      const volume = path.join(base, "pvc-1_media_cache");
      run("setup", volume);
      fs.symlinkSync(outside, path.join(volume, "films"));
      expect(run("teardown", volume).status).to.equal(0);
      expect(fs.readdirSync(outside)).to.deep.equal(["film.mkv"]);
    });

    describe("leave what is mounted alone", function () {
      const shells = [["sh"], ["busybox", "sh"]];
      const volumeName = "pvc-1_media_cache";
      const attacks: [string, string[]][] = [
        ["a folder of the same disk, on a folder of the volume", ["films"]],
        ["deep below, with blanks and a backslash in its name", ["a", "my \\ films\tand more"]],
        ["on the volume itself", []],
      ];

      /** Runs the teardown where the films are mounted at the place; their namespace vanishes with it. */
      function attack(shell: string[], place: string, deleted: string) {
        const homelab = home((config) => (config.storage.localPath = { path: base }));
        fs.mkdirSync(place, { recursive: true });
        const inside = 'mount --bind "$1" "$2"; shift 2; exec "$@" -s';
        return spawnSync(
          "unshare",
          ["--mount", "--propagation", "private", "sh", "-euc", inside, "attack", outside, place, ...shell],
          {
            input: localPathConfig(homelab).teardown,
            env: { ...process.env, VOL_DIR: deleted },
            encoding: "utf8",
          },
        );
      }

      for (const shell of shells) {
        for (const [what, parts] of attacks) {
          it(`${what}, by ${shell.join(" ")}`, function () {
            needNamespaces(this, shell[0]);
            const volume = path.join(base, volumeName);
            const place = path.join(volume, ...parts);
            const { status, stderr } = attack(shell, place, volume);
            expect(stderr).to.contain("refused: mounted on or below the volume").and.contain("nothing was deleted");
            expect(status).to.equal(1);
            expect(fs.readFileSync(path.join(outside, "film.mkv"), "utf8")).to.equal("film");
            expect(fs.existsSync(place)).to.equal(true);
          });
        }

        it(`and delete a volume whose neighbour of a longer name is mounted, by ${shell.join(" ")}`, function () {
          needNamespaces(this, shell[0]);
          const volume = path.join(base, volumeName);
          fs.mkdirSync(volume);
          const { status, stderr } = attack(shell, `${volume}2`, volume);
          expect(status, stderr).to.equal(0);
          expect(fs.existsSync(volume)).to.equal(false);
          expect(fs.readdirSync(outside)).to.deep.equal(["film.mkv"]);
        });
      }

      function needNamespaces(context: Mocha.Context, shell: string): void {
        if (spawnSync("sh", ["-c", 'command -v "$0"', shell]).status !== 0) {
          skipBecause(context, `${shell} is not installed`);
        }
        if (spawnSync("unshare", ["--mount", "--propagation", "private", "true"]).status !== 0) {
          skipBecause(context, "needs root for a private mount namespace");
        }
      }
    });

    it("delete nothing once more what is gone already", () => {
      const { status, stderr } = run("teardown", path.join(base, "pvc-1_media_gone"));
      expect(status, stderr).to.equal(0);
    });

    const refused: [string, () => string][] = [
      ["the folder of all volumes", () => base],
      ["the folder of all volumes, with a slash", () => `${base}/`],
      ["a folder outside", () => outside],
      ["a way out by ..", () => `${base}/pvc-1_a_b/../../films`],
      ["a folder inside a volume", () => `${base}/pvc-1_a_b/data`],
      ["a directory that is no volume", () => `${base}/lost+found`],
      ["nothing", () => ""],
      ["the root", () => "/"],
      ["a link with the name of a volume", () => `${base}/pvc-9_a_link`],
    ];
    for (const [what, volume] of refused) {
      it(`refuse to delete ${what}`, () => {
        fs.mkdirSync(path.join(base, "pvc-1_a_b", "data"), { recursive: true });
        fs.mkdirSync(path.join(base, "lost+found"));
        fs.symlinkSync(outside, path.join(base, "pvc-9_a_link"));
        const before = tree(path.dirname(base));
        expect(run("teardown", volume()).status).not.to.equal(0);
        expect(tree(path.dirname(base))).to.equal(before);
      });
    }
  });
});

function tree(folder: string): string {
  return execFileSync("find", [folder], { encoding: "utf8" }).split("\n").sort().join("\n");
}
