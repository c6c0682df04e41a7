import { expect } from "chai";
import { jobPod, podSpec } from "../../../components/apps/pod";
import type { App, Homelab } from "../../../config/homelab";
import { catalog } from "../../../config/apps/catalog";
import { home } from "../../support/home";

const homelab = home();
const appOf = (name: string, of: Homelab = homelab): App => {
  const app = of.apps.find((one) => one.name === name);
  expect(app, name).to.not.equal(undefined);
  return app as App;
};

interface Pod {
  securityContext: { runAsUser?: number; runAsGroup?: number; runAsNonRoot?: boolean };
  containers: {
    args?: string[];
    env: { name: string; value?: string; valueFrom?: object }[];
    volumeMounts: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
    securityContext: { capabilities: { drop: string[]; add?: string[] }; readOnlyRootFilesystem?: boolean };
    resources: { requests: Record<string, string>; limits: Record<string, string> };
    startupProbe?: object;
  }[];
  initContainers: { command: string[]; volumeMounts: { name: string }[] }[];
  volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
  affinity?: { nodeAffinity: object };
  runtimeClassName?: string;
  automountServiceAccountToken: boolean;
}
const podOf = (name: string, of: Homelab = homelab) => podSpec(of, appOf(name, of)) as unknown as Pod;
const variablesOf = (pod: Pod) => Object.fromEntries(pod.containers[0].env.map(({ name, value }) => [name, value]));

describe("pods of apps", () => {
  it("every app of the catalog runs in this house", () => {
    expect(homelab.apps.map(({ name }) => name)).to.have.members(Object.keys(catalog));
  });

  it("the media share is one mount, whole, so that a hard link from downloads to libraries is one", () => {
    const users = homelab.apps.filter(({ media }) => media);
    expect(users.map(({ name }) => name)).to.include.members(["sonarr", "radarr", "lidarr", "sabnzbd", "jellyfin"]);
    for (const app of users) {
      const { volumes, containers } = podOf(app.name);
      const claims = volumes.filter(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === "media");
      expect(claims, app.name).to.have.length(1);
      const mounts = containers[0].volumeMounts.filter(({ name }) => name === claims[0].name);
      expect(mounts, app.name).to.have.length(1);
      expect(mounts[0], app.name).to.include({ mountPath: "/data" }).and.not.to.have.property("subPath");
    }
    const readers = users.filter(({ media }) => media?.readOnly).map(({ name }) => name);
    expect(readers, "players change nothing").to.deep.equal(["jellyfin", "plex"]);
  });

  it("trap 65: no fsGroup anywhere, and what changes an owner never sees the media", () => {
    for (const app of homelab.apps) {
      const pod = podOf(app.name);
      expect(JSON.stringify(pod), app.name).not.to.match(/fsGroup/);
      for (const { command, volumeMounts } of pod.initContainers) {
        expect(command.slice(0, 1), app.name).to.deep.equal(["chown"]);
        expect(command.join(" "), app.name).not.to.match(/ -R|--recursive|\/data\b/);
        expect(
          volumeMounts.map(({ name }) => name),
          app.name,
        ).to.have.members(Object.keys(app.volumes));
      }
    }
  });

  it("run as the owner of the media, by the numbers of the configuration", () => {
    const other = home((config) => (config.storage.media.owner = { uid: 1042, gid: 1043 }));
    const sonarr = podOf("sonarr", other);
    expect(sonarr.securityContext).to.include({ runAsUser: 1042, runAsGroup: 1043, runAsNonRoot: true });
    expect(sonarr.initContainers[0].command.slice(0, 2)).to.deep.equal(["chown", "1042:1043"]);
    const whisparr = podOf("whisparr", other);
    expect(whisparr.securityContext).not.to.have.property("runAsUser");
    expect(variablesOf(whisparr)).to.include({ PUID: "1042", PGID: "1043" });
  });

  it("a user that the image insists on is the pod's, and owns its volumes, whoever owns the media", () => {
    const other = home((config) => (config.storage.media.owner = { uid: 1042, gid: 1043 }));
    const pod = podOf("automatic1111", other);
    expect(pod.securityContext).to.include({ runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true });
    expect(pod.initContainers[0].command).to.deep.equal([
      ...["chown", "1000:1000", "/volumes/models", "/volumes/outputs"],
    ]);
    expect(pod.containers[0].securityContext.capabilities).to.deep.equal({ drop: ["ALL"] });
    expect(pod.containers[0].args, "what the image's entrypoint says already").to.deep.equal(["--medvram"]);
  });

  it("have no capability, but those that a root start needs to give itself up and to stop what it started", () => {
    const rooted = ["open-webui", "whisparr"];
    for (const { name } of homelab.apps) {
      const { capabilities } = podOf(name).containers[0].securityContext;
      expect(capabilities.drop, name).to.deep.equal(["ALL"]);
      expect(capabilities.add !== undefined, name).to.equal(rooted.includes(name));
    }
    expect(podOf("whisparr").containers[0].securityContext.capabilities.add).to.include.members(["SETUID", "KILL"]);
    expect(homelab.apps.every(({ name }) => !podOf(name).automountServiceAccountToken)).to.equal(true);
  });

  it("ask for one share of the GPU that their node has", () => {
    const jellyfin = podOf("jellyfin");
    expect(jellyfin.runtimeClassName).to.equal("nvidia");
    expect(jellyfin.containers[0].resources.limits).to.include({ "nvidia.com/gpu": "1" });
    expect(JSON.stringify(jellyfin.affinity)).to.contain('"values":["k3s3"]');
    const plex = podOf("plex");
    expect(plex.containers[0].resources.limits).to.include({ "gpu.intel.com/i915": "1" });
    expect(JSON.stringify(plex.affinity)).to.contain('"values":["k3s1","k3s2"]');
    expect(plex).not.to.have.property("runtimeClassName");
    expect(JSON.stringify(podOf("sabnzbd").affinity)).to.contain('"values":["k3s1","k3s2"]');
    expect(podOf("overseerr")).not.to.have.property("affinity");
  });

  it("Open WebUI gets its groups from Authentik: who may use it, and who administers it", () => {
    expect(variablesOf(podOf("open-webui"))).to.include({
      ENABLE_OAUTH_ROLE_MANAGEMENT: "true",
      OAUTH_ROLES_CLAIM: "groups",
      OAUTH_ALLOWED_ROLES: "homelab-admins,homelab-family",
      OAUTH_ADMIN_ROLES: "homelab-admins",
      OAUTH_CLIENT_ID: "open-webui",
    });
    const renamed = home((config) => (config.identity.groups.admins = "chiefs"));
    expect(variablesOf(podOf("open-webui", renamed))).to.include({ OAUTH_ADMIN_ROLES: "chiefs" });
  });

  it("name each variable once, and hold no secret in the open", () => {
    for (const { name, secrets } of homelab.apps) {
      const { env } = podOf(name).containers[0];
      expect(new Set(env.map((variable) => variable.name)).size, name).to.equal(env.length);
      const hidden = env.filter(({ valueFrom }) => valueFrom).map((variable) => variable.name);
      expect(hidden, name).to.include.members(Object.keys(secrets));
    }
  });

  it("take fields of Kubernetes over their own, and lose no volume, variable or init container by it", () => {
    const plain = podOf("bazarr");
    const special = podOf(
      "bazarr",
      home((config) => {
        config.apps.bazarr.pod = {
          terminationGracePeriodSeconds: 5,
          volumes: [{ name: "more", emptyDir: {} }],
          initContainers: [{ name: "first", image: "docker.io/library/busybox:1.37.0" }],
        };
        config.apps.bazarr.container = {
          env: [{ name: "MORE", value: "1" }],
          volumeMounts: [{ name: "more", mountPath: "/more" }],
        };
      }),
    );
    expect(special).to.include({ terminationGracePeriodSeconds: 5 });
    expect(special.volumes.map(({ name }) => name)).to.deep.equal([...plain.volumes.map(({ name }) => name), "more"]);
    expect(special.initContainers).to.have.length(plain.initContainers.length + 1);
    expect(variablesOf(special)).to.deep.equal({ ...variablesOf(plain), MORE: "1" });
    expect(special.containers[0].volumeMounts).to.have.length(plain.containers[0].volumeMounts.length + 1);
  });

  it("have probes where something listens, and a CronJob has none", () => {
    for (const { name, port } of homelab.apps) {
      expect(podOf(name).containers[0].startupProbe !== undefined, name).to.equal(port !== undefined);
    }
  });

  it("a job has the app's image, no volume of it and no GPU", () => {
    const pod = jobPod(homelab, appOf("ollama"), "pull-llama3-2-3b") as unknown as Pod;
    expect(JSON.stringify(pod)).not.to.match(/persistentVolumeClaim|nvidia\.com/);
    expect(JSON.stringify(pod)).to.contain("docker.io/ollama/ollama:0.31.2").and.contain('"llama3.2:3b"');
    expect(pod.securityContext).to.include({ runAsNonRoot: true });
  });
});
