#!/usr/bin/env python3
"""Stands in for the K3s binary on a booted machine, where no release can be had: real systemd, sockets, certificates and
files, no Kubernetes. Behaves as K3s v1.32 where the program's scripts touch it:
- `k3s server|agent` reads /etc/rancher/k3s/config.yaml, tells systemd when it is ready, listens on the kubelet's health
  port, on the pod-resources socket below the kubelet's root, and (server) on 6443; it renews certificates that end soon.
- `k3s --version`, `k3s kubectl get --raw=/readyz`, `k3s etcd-snapshot save --name NAME`.
For tests, files below /run/standin change it: `slow` (seconds until ready), `root` (another kubelet root), `days` (of new
certificates), `full` (snapshots are not written)."""
import http.server, os, re, socket, ssl, subprocess, sys, threading, time

VERSION = "@VERSION@"
DATA = "/var/lib/rancher/k3s"
SNAPSHOTS = DATA + "/server/db/snapshots"


def setting(name, default):
    try:
        with open("/run/standin/" + name) as file:
            return file.read().strip()
    except FileNotFoundError:
        return default


def certificate(path):
    soon = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-checkend", str(120 * 86400)], capture_output=True)
    if soon.returncode != 0:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", path.replace(".crt", ".key"), "-out", path, "-days", setting("days", "365"),
                        "-subj", "/CN=standin"], check=True, capture_output=True)


def serve(port, bodies, tls=None):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = bodies.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write((body or "not found").encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("", port), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls, tls.replace(".crt", ".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def run(kind):
    with open("/etc/rancher/k3s/config.yaml") as file:
        root = re.search(r"root-dir=(\S+)", file.read()).group(1)
    root = setting("root", root)
    print("Running kubelet --root-dir=" + root, flush=True)
    for folder in (root + "/pods", root + "/pod-resources", DATA + "/agent/etc/containerd", DATA + "/data/1/bin"):
        os.makedirs(folder, exist_ok=True)
    if kind == "server":
        os.makedirs(SNAPSHOTS, exist_ok=True)
        with open("/etc/rancher/k3s/server-token") as token, open(DATA + "/server/token", "w") as copy:
            copy.write("K10abc::server:" + token.read())
        for name in ("server-ca", "client-admin", "serving-kube-apiserver"):
            certificate(DATA + "/server/tls/" + name + ".crt")
        serve(6443, {"/ping": "pong", "/readyz": "ok"}, DATA + "/server/tls/serving-kube-apiserver.crt")
    else:
        certificate(DATA + "/agent/client-kubelet.crt")
    path = root + "/pod-resources/kubelet.sock"
    if os.path.exists(path):
        os.unlink(path)
    kubelet = socket.socket(socket.AF_UNIX)
    kubelet.bind(path)
    kubelet.listen()
    time.sleep(float(setting("slow", "0")))
    serve(10248, {"/healthz": "ok"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        notify.send(b"READY=1")
    threading.Event().wait()


words = sys.argv[1:]
if words == ["--version"]:
    print(f"k3s version {VERSION} (standin)")
elif words[:1] in (["server"], ["agent"]):
    run(words[0])
elif words[:1] == ["kubectl"]:
    ready = subprocess.run(["curl", "--insecure", "--silent", "--fail", "https://127.0.0.1:6443/readyz"], capture_output=True)
    print(ready.stdout.decode())
    sys.exit(ready.returncode)
elif words[:2] == ["etcd-snapshot", "save"]:
    if setting("full", "no") == "no":
        open(f"{SNAPSHOTS}/{words[words.index('--name') + 1]}-standin-{int(time.time())}", "w").close()
else:
    sys.exit(f"the stand-in does not know: {words}")
