import { expect } from "chai";
import { B2Storage } from "../../../components/backup/b2-storage";
import { Velero } from "../../../components/backup/velero";
import { credentialsFile, veleroValues } from "../../../components/backup/velero-values";
import { GeneratedSecrets } from "../../../components/secrets";
import type { Homelab } from "../../../config/homelab";
import { isSecret, record, type RecordedResource } from "../../../plan/record";
import { home } from "../../support/home";
import { schemaErrors, unknownValuePaths } from "../../support/values";
import { controlPlane, dependsOn, plainText } from "../identity/support";

async function recorded(homelab: Homelab): Promise<RecordedResource[]> {
  const { resources } = await record(
    () => {
      const secrets = new GeneratedSecrets("secrets", homelab);
      const storage = new B2Storage("b2", { homelab });
      new Velero("velero", { homelab, controlPlane, secrets, storage: storage.velero });
    },
    { preview: false },
  );
  return resources;
}

describe("Velero", () => {
  const homelab = home();
  const restoring = home((config) => (config.backup.mode = "restore"));
  const values = veleroValues(homelab, "hash");
  const location = (of: Homelab) =>
    (veleroValues(of, "hash").configuration as { backupStorageLocation: Record<string, unknown>[] })
      .backupStorageLocation;
  let resources: RecordedResource[];
  const ofType = (type: RegExp) => resources.filter((resource) => type.test(resource.type));

  before(async () => {
    resources = await recorded(homelab);
  });

  it("sets only values that the chart has", () => {
    expect(unknownValuePaths("velero", homelab.versions.charts.velero, values)).to.deep.equal([]);
    expect(schemaErrors("velero", homelab.versions.charts.velero, values)).to.deep.equal([]);
  });

  it("trap 58: runs the plugin that can talk to B2, pinned", () => {
    const [plugin] = values.initContainers as { image: string }[];
    expect(plugin.image)
      .to.equal(homelab.versions.images.veleroPluginForAws)
      .and.to.match(/:v1\.13\./);
  });

  it("trap 59: sends B2 no checksum headers", () => {
    expect(location(homelab)).to.have.length(1);
    expect(location(homelab)[0].config).to.deep.equal({
      region: "us-west-004",
      s3Url: "https://s3.us-west-004.backblazeb2.com",
      s3ForcePathStyle: "true",
      checksumAlgorithm: "",
    });
  });

  it("trap 62: node agents read pods and plugins below the one kubelet root", () => {
    const moved = home((config) => (config.cluster.kubeletRoot = "/srv/kubelet"));
    for (const stack of [homelab, moved]) {
      const { nodeAgent } = veleroValues(stack, "hash") as { nodeAgent: Record<string, string> };
      expect(nodeAgent.podVolumePath).to.equal(`${stack.cluster.kubeletRoot}/pods`);
      expect(nodeAgent.pluginVolumePath).to.equal(`${stack.cluster.kubeletRoot}/plugins`);
    }
  });

  it("trap 63: needs no job and no kubectl image for its CRDs", () => {
    expect([values.upgradeCRDs, values.cleanUpCRDs]).to.deep.equal([false, false]);
    expect(ofType(/helm\.sh\/v4:Chart$/)[0].inputs.skipCrds).to.equal(false);
  });

  it("backs up no volume by default: a backup by hand has no policy that skips the media", () => {
    expect(JSON.stringify(values)).not.to.contain("defaultVolumesToFsBackup");
    expect(values.snapshotsEnabled).to.equal(false);
  });

  it("reads only while a restore is under way", () => {
    expect(location(homelab)[0].accessMode).to.equal("ReadWrite");
    expect(location(restoring)[0].accessMode).to.equal("ReadOnly");
  });

  it("never asks the API server of the moment what it renders", () => {
    const { serviceMonitor, nodeAgentPodMonitor } = values.metrics as Record<string, { autodetect: boolean }>;
    expect([serviceMonitor.autodetect, nodeAgentPodMonitor.autodetect]).to.deep.equal([false, false]);
  });

  it("names the namespace of its monitors, which the chart leaves to the API server of the moment", () => {
    const { serviceMonitor, nodeAgentPodMonitor } = values.metrics as Record<string, { namespace: string }>;
    expect([serviceMonitor.namespace, nodeAgentPodMonitor.namespace]).to.deep.equal(["velero", "velero"]);
  });

  it("has its bucket's key in a Secret, in the form of an AWS credentials file", () => {
    expect(credentialsFile("id", "key")).to.equal("[default]\naws_access_key_id=id\naws_secret_access_key=key\n");
    const secret = ofType(/core\/v1:Secret$/).find(({ name }) => name.endsWith("bucket-key"));
    const { stringData } = secret?.inputs as { stringData: Record<string, unknown> };
    expect(isSecret(stringData) || isSecret(stringData.cloud)).to.equal(true);
    expect(values.credentials).to.deep.equal({ existingSecret: "velero-bucket" });
  });

  it("has its own repository password before it starts, not the one in its source code", () => {
    const password = ofType(/core\/v1:Secret$/).find(({ name }) => name.endsWith("repository-password"));
    const { metadata, stringData } = plainText(password?.inputs) as {
      metadata: { name: string };
      stringData: Record<string, string>;
    };
    expect(metadata.name).to.equal("velero-repo-credentials");
    expect(stringData["repository-password"]).to.have.length(48);
    const [chart] = ofType(/helm\.sh\/v4:Chart$/);
    expect(password && dependsOn(resources, chart, password)).to.equal(true);
  });

  it("trap 55: a new bucket key restarts the pods", () => {
    const { values: rendered } = ofType(/helm\.sh\/v4:Chart$/)[0].inputs as {
      values: { podAnnotations: Record<string, string> };
    };
    expect(Object.keys(rendered.podAnnotations)).to.deep.equal(["homelab/secret-hash"]);
  });

  it("trap 64: schedules wait until the bucket answers, and for their policies", () => {
    const [gate] = ofType(/remote:Command$/);
    const policies = ofType(/core\/v1:ConfigMap$/);
    const schedules = ofType(/velero\.io\/v1:Schedule$/);
    expect(dependsOn(resources, gate, ofType(/helm\.sh\/v4:Chart$/)[0])).to.equal(true);
    expect([schedules.length, policies.length]).to.deep.equal([3, 3]);
    for (const schedule of schedules) {
      for (const needed of [gate, ...policies]) {
        expect(dependsOn(resources, schedule, needed), `${schedule.name} after ${needed.name}`).to.equal(true);
      }
      const { resourcePolicy } = (schedule.inputs.spec as { template: { resourcePolicy: { name: string } } }).template;
      expect(policies.map(({ inputs }) => (inputs.metadata as { name: string }).name)).to.include(resourcePolicy.name);
    }
  });

  it("asserts that Velero accepts each schedule, unless it is paused and never looked at", async () => {
    const annotations = (all: RecordedResource[]) =>
      all
        .filter(({ type }) => type.endsWith(":Schedule"))
        .map(({ inputs }) => (inputs.metadata as { annotations: Record<string, string> }).annotations);
    const wanted = { "pulumi.com/waitFor": "jsonpath={.status.phase}=Enabled" };
    expect(annotations(resources)).to.deep.equal([wanted, wanted, wanted]);
    expect(annotations(await recorded(restoring))).to.deep.equal([{}, {}, {}]);
  });

  it("runs in a namespace that lets node agents use host paths", () => {
    const [{ inputs }] = ofType(/core\/v1:Namespace$/);
    expect((inputs.metadata as { labels: unknown }).labels).to.include({
      "pod-security.kubernetes.io/enforce": "privileged",
    });
  });
});
