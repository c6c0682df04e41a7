import { expect } from "chai";
import { proxyName, proxyNamespace } from "../../components/identity/oauth2-proxy-values";
import { proxiedServices } from "../../components/secrets";
import { defaultPins } from "../../config/pins";
import { homeConfig } from "../support/home";
import { openTexts, recordedHome, revealed, type RecordedStack } from "../support/stack";

type Manifest = { metadata: { name: string; namespace?: string; annotations?: Record<string, string> }; spec: any };

describe("graph: the platform as a whole", () => {
  let stack: RecordedStack;

  before(async () => {
    stack = await recordedHome();
  });

  const manifests = (type: RegExp) => stack.ofType(type).map(({ inputs }) => revealed(inputs) as Manifest);
  const charts = () => stack.ofType(/^kubernetes:helm\.sh\/v4:Chart$/);

  it("exactly one StorageClass is the default, whoever makes it (trap 30)", () => {
    const ours = manifests(/^kubernetes:storage\.k8s\.io\/v1:StorageClass$/).filter(
      ({ metadata }) => metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true",
    );
    const longhorn = charts().find(({ name }) => name === "longhorn");
    const values = revealed(longhorn?.inputs.values) as { persistence: { defaultClass: boolean } };
    const k3s = stack
      .ofType(/^command:remote:Command$/)
      .map(({ inputs }) => revealed(inputs.stdin) as string)
      .find((text) => /^# homelab step k3s-server$/m.test(text) || /cluster-init: true/.test(text));
    expect(k3s, "K3s brings none").to.match(/disable:(\n\s*- .*)*\n\s*- local-storage/);
    expect([
      ...ours.map(({ metadata }) => metadata.name),
      ...(values.persistence.defaultClass ? ["longhorn"] : []),
    ]).to.deep.equal(["longhorn"]);
  });

  it("the proxies are where the alert about them looks", () => {
    for (const service of proxiedServices) {
      const proxy = charts().find(({ name }) => name === proxyName(service));
      expect(revealed(proxy?.inputs.namespace), service).to.equal(proxyNamespace(service));
    }
  });

  it("every route ends at Authentik, OAuth2-Proxy or a service with its own login (trap 56)", () => {
    const routes = manifests(/^kubernetes:gateway\.networking\.k8s\.io\/v1:HTTPRoute$/);
    const ends = Object.fromEntries(
      routes.flatMap(({ metadata, spec }) =>
        (spec.rules as { backendRefs?: { name: string }[] }[]).flatMap((rule) =>
          (rule.backendRefs ?? []).map((backend) => [metadata.name, backend.name]),
        ),
      ),
    ) as Record<string, string>;
    const direct = ["jellyfin", "plex", "open-webui"];
    const proxied = ["sonarr", "radarr", "lidarr", "prowlarr", "bazarr", "whisparr", "sabnzbd", "overseerr"];
    expect(ends).to.deep.equal({
      // Apps: those with a login of their own, and those that Authentik's outpost stands in front of.
      ...Object.fromEntries(direct.map((app) => [app, app])),
      ...Object.fromEntries([...proxied, "automatic1111"].map((app) => [app, "authentik-server"])),
      authentik: "authentik-server",
      grafana: "kube-prometheus-stack-grafana",
      prometheus: "oauth2-proxy-prometheus",
      alertmanager: "oauth2-proxy-alertmanager",
      longhorn: "oauth2-proxy-longhorn",
    });
    const grafana = charts().find(({ name }) => name === "kube-prometheus-stack");
    const values = revealed(grafana?.inputs.values) as {
      grafana: { "grafana.ini": Record<string, { enabled: unknown }> };
    };
    expect(values.grafana["grafana.ini"]["auth.generic_oauth"].enabled).to.equal(true);
    expect(values.grafana["grafana.ini"]["auth.anonymous"]?.enabled ?? false).to.equal(false);
  });

  it("trap 57: every backend of a route speaks HTTP/1.1, which Cilium sends to a Service without appProtocol", () => {
    // What is added here must be known to: gRPC and h2c need `appProtocol: kubernetes.io/h2c` on their Service.
    const plain =
      /^(authentik-server|kube-prometheus-stack-grafana|oauth2-proxy-(prometheus|alertmanager|longhorn)|jellyfin|plex|open-webui)$/;
    const routes = stack.ofType(/^kubernetes:gateway\.networking\.k8s\.io\/v1\w*:\w+Route$/);
    const backends = routes.flatMap(({ inputs }) =>
      ((revealed(inputs) as Manifest).spec.rules as { backendRefs?: { name: string }[] }[]).flatMap(
        ({ backendRefs = [] }) => backendRefs.map(({ name }) => name),
      ),
    );
    expect(new Set(routes.map(({ inputs }) => inputs.kind))).to.deep.equal(new Set(["HTTPRoute"]));
    expect(backends).to.have.length(17);
    backends.forEach((name) => expect(name).to.match(plain));
  });

  it("every namespace that the daily schedule names is one that the program makes", () => {
    const made = manifests(/^kubernetes:core\/v1:Namespace$/).map(({ metadata }) => metadata.name);
    const { schedules } = homeConfig().backup as { schedules: { daily: { namespaces: string[] } } };
    expect(made).to.include.members(schedules.daily.namespaces);
  });

  it("every host has its listener, its certificate and its route", () => {
    const [gateway] = manifests(/^kubernetes:gateway\.networking\.k8s\.io\/v1:Gateway$/);
    const listeners = (gateway.spec.listeners as { name: string; hostname?: string; protocol: string }[]).filter(
      ({ protocol }) => protocol === "HTTPS",
    );
    const certified = manifests(/^kubernetes:cert-manager\.io\/v1:Certificate$/).flatMap(
      ({ spec }) => spec.dnsNames as string[],
    );
    const routed = manifests(/HTTPRoute$/)
      .filter(({ metadata }) => !metadata.name.startsWith("https-redirect-"))
      .flatMap(({ spec }) => (spec.hostnames as string[] | undefined) ?? []);
    const hosts = listeners.map(({ hostname }) => hostname).sort();
    expect(hosts).to.have.length(17);
    expect(hosts).not.to.include(undefined);
    expect([...certified].sort()).to.deep.equal(hosts);
    expect([...routed].sort()).to.deep.equal(hosts);
  });

  it("every schedule names a policy that skips the NFS media (trap 61)", () => {
    const policies = new Map(
      manifests(/^kubernetes:core\/v1:ConfigMap$/).map((map) => [
        map.metadata.name,
        Object.values((map as unknown as { data: Record<string, string> }).data).join("\n"),
      ]),
    );
    const schedules = manifests(/^kubernetes:velero\.io\/v1:Schedule$/);
    expect(schedules).to.have.length(3);
    for (const { metadata, spec } of schedules) {
      const policy = policies.get(spec.template.resourcePolicy?.name as string);
      expect(policy, metadata.name).to.match(/nfs/);
      expect(policy, metadata.name).to.contain("nfs.csi.k8s.io");
      expect(policy, metadata.name).to.contain("skip");
    }
  });

  it("one kubelet root everywhere, and the device plugins' constant beside it (traps 16, 17, 18, 62)", () => {
    const root = (homeConfig().cluster as { kubeletRoot: string }).kubeletRoot;
    const values = (name: string) => revealed(charts().find((chart) => chart.name === name)?.inputs.values) as any;
    expect(values("longhorn").csi.kubeletRootDir).to.equal(root);
    expect(values("nfs").kubeletDir).to.equal(root);
    expect(values("velero").nodeAgent.podVolumePath).to.equal(`${root}/pods`);
    expect(values("velero").nodeAgent.pluginVolumePath).to.equal(`${root}/plugins`);
    expect(values("dcgm-exporter").kubeletPath).to.equal(`${root}/pod-resources`);

    const foreign = stack.resources.flatMap((resource) =>
      [...openTexts(resource.inputs)]
        .filter(({ text }) => /\/var\/lib\/kubelet(?!\/device-plugins)/.test(text))
        .map(({ path }) => `${resource.name}${path}`)
        // Scripts name the default path where they look for a kubelet that runs somewhere else.
        .filter((where) => !/\.(stdin|probe)$/.test(where)),
    );
    expect(foreign).to.deep.equal([]);
  });

  it("no chart and no image is unpinned", () => {
    for (const { name, inputs } of charts()) {
      expect(inputs.version, name).to.match(/^v?\d+\.\d+\.\d+$/);
    }
    expect(charts().length).to.be.at.least(Object.keys(defaultPins.charts).length);
    const images = stack.resources.flatMap((resource) =>
      [...openTexts(resource.inputs)].filter(({ path }) => /\.image$/.test(path)).map(({ text }) => text),
    );
    for (const image of images) {
      expect(image, "a tag or a digest, and not latest").to.match(
        /(:(?!latest)[\w.-]+|@(sha256:[0-9a-f]{64}|FILL_ME: .*))$/,
      );
    }
    expect(images.length).to.be.greaterThan(1);
    // Charts name their own images by their own version; where the program names one, it names its tag too.
    const named = charts().flatMap(({ name, inputs }) =>
      [...openTexts(inputs.values)]
        .filter(({ path }) => /\.tag$/.test(path))
        .map(({ path, text }) => ({ where: `${name}${path}`, text })),
    );
    for (const { where, text } of named) {
      expect(text, where).to.match(/^v?\d[\w.-]*(@sha256:[0-9a-f]{64})?$/);
    }
    expect(named.length).to.be.greaterThan(2);
  });

  it("every namespace says what its pods may do", () => {
    for (const { metadata } of manifests(/^kubernetes:core\/v1:Namespace$/)) {
      const labels = (metadata as { labels?: Record<string, string> }).labels;
      expect(labels?.["pod-security.kubernetes.io/enforce"], metadata.name).to.be.oneOf([
        "privileged",
        "baseline",
        "restricted",
      ]);
    }
  });
});
