/**
 * The versions this program was written and checked against. A stack may override each under `versions`.
 * Source of the pins and of the reasons: the compatibility table in compatibility.ts and each component's docstring.
 */
export const defaultPins = {
  charts: {
    // renovate: datasource=helm registryUrl=https://helm.cilium.io depName=cilium
    cilium: "1.17.18",
    // renovate: datasource=helm registryUrl=https://charts.longhorn.io depName=longhorn
    longhorn: "1.6.2",
    // renovate: datasource=helm registryUrl=https://kubernetes-csi.github.io/csi-driver-nfs depName=csi-driver-nfs
    csiDriverNfs: "4.11.0",
    // renovate: datasource=helm registryUrl=https://nvidia.github.io/k8s-device-plugin depName=nvidia-device-plugin
    nvidiaDevicePlugin: "0.17.4",
    // renovate: datasource=helm registryUrl=https://nvidia.github.io/dcgm-exporter/helm-charts depName=dcgm-exporter
    dcgmExporter: "4.8.2",
    // renovate: datasource=helm registryUrl=https://charts.jetstack.io depName=cert-manager
    certManager: "v1.18.6",
    // renovate: datasource=helm registryUrl=https://prometheus-community.github.io/helm-charts depName=kube-prometheus-stack
    kubePrometheusStack: "77.14.0",
    // renovate: datasource=helm registryUrl=https://grafana.github.io/helm-charts depName=loki
    loki: "6.46.0",
    // renovate: datasource=helm registryUrl=https://grafana.github.io/helm-charts depName=alloy
    alloy: "1.4.0",
    // renovate: datasource=helm registryUrl=https://charts.goauthentik.io depName=authentik
    authentik: "2025.12.4",
    // renovate: datasource=helm registryUrl=https://oauth2-proxy.github.io/manifests depName=oauth2-proxy
    oauth2Proxy: "7.7.1",
    // renovate: datasource=helm registryUrl=https://vmware-tanzu.github.io/helm-charts depName=velero
    velero: "11.4.0",
  },
  images: {
    localPathProvisioner: "rancher/local-path-provisioner:v0.0.31",
    localPathHelper: "rancher/mirrored-library-busybox:1.36.1",
    veleroPluginForAws: "velero/velero-plugin-for-aws:v1.13.2",
    oauth2Proxy:
      "quay.io/oauth2-proxy/oauth2-proxy:v7.15.5@sha256:8498b0d0ef0a7b29686414000a08aee467f02d0299c9ed1e006a8f33fc017916",
    intelGpuPlugin: "intel/intel-gpu-plugin:0.34.1",
    blackboxExporter:
      "quay.io/prometheus/blackbox-exporter:v0.27.0@sha256:a50c4c0eda297baa1678cd4dc4712a67fdea713b832d43ce7fcc5f9bea05094d",
  },
  prometheusOperator: "v0.85.0",
} as const;

export type ChartName = keyof typeof defaultPins.charts;
export type ImageName = keyof typeof defaultPins.images;

/** Where each chart is published, and its name there. */
export const chartSources: Record<ChartName, { repo: string; chart: string }> = {
  cilium: { repo: "https://helm.cilium.io", chart: "cilium" },
  longhorn: { repo: "https://charts.longhorn.io", chart: "longhorn" },
  csiDriverNfs: {
    repo: "https://kubernetes-csi.github.io/csi-driver-nfs",
    chart: "csi-driver-nfs",
  },
  nvidiaDevicePlugin: { repo: "https://nvidia.github.io/k8s-device-plugin", chart: "nvidia-device-plugin" },
  dcgmExporter: { repo: "https://nvidia.github.io/dcgm-exporter/helm-charts", chart: "dcgm-exporter" },
  certManager: { repo: "https://charts.jetstack.io", chart: "cert-manager" },
  kubePrometheusStack: {
    repo: "https://prometheus-community.github.io/helm-charts",
    chart: "kube-prometheus-stack",
  },
  loki: { repo: "https://grafana.github.io/helm-charts", chart: "loki" },
  alloy: { repo: "https://grafana.github.io/helm-charts", chart: "alloy" },
  authentik: { repo: "https://charts.goauthentik.io", chart: "authentik" },
  oauth2Proxy: { repo: "https://oauth2-proxy.github.io/manifests", chart: "oauth2-proxy" },
  velero: { repo: "https://vmware-tanzu.github.io/helm-charts", chart: "velero" },
};
