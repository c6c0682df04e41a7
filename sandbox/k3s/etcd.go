package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

const etcdAddress = "http://127.0.0.1:2379"

// startEtcd runs etcd in this process, on loopback and without TLS. It does not wait for the disk: a rehearsal may lose
// what it wrote when power fails, and an emulated disk would make each write take a second.
func startEtcd(s settings) (*embed.Etcd, error) {
	address := func(text string) []url.URL {
		parsed, _ := url.Parse(text)
		return []url.URL{*parsed}
	}
	config := embed.NewConfig()
	config.Name, config.Dir = s.nodeName(), s.data("server", "db", "etcd")
	config.ListenClientUrls, config.AdvertiseClientUrls = address(etcdAddress), address(etcdAddress)
	config.ListenPeerUrls, config.AdvertisePeerUrls = address("http://127.0.0.1:2380"), address("http://127.0.0.1:2380")
	config.InitialCluster = config.Name + "=http://127.0.0.1:2380"
	config.LogLevel, config.UnsafeNoFsync, config.SnapshotCount = "error", true, 10000
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, err
	}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("failed to start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, nil
	case err := <-server.Err():
		return nil, err
	}
}

func etcdClient() (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{etcdAddress}, DialTimeout: 10 * time.Second})
}

func bootstrapKey(password string) string { return "/bootstrap/" + hashed(password)[:12] }

// claimDatastore refuses a datastore of another token. As K3s, which encrypts its bootstrap data with the token
// (pkg/cluster/storage.go); here the key's name alone tells the token.
func claimDatastore(ctx context.Context, password string) error {
	client, err := etcdClient()
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := client.Get(ctx, "/bootstrap/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) == bootstrapKey(password) {
			return nil
		}
	}
	if len(found.Kvs) > 0 {
		return errors.New("starting kubernetes: preparing server: bootstrap data already found and encrypted with different token")
	}
	_, err = client.Put(ctx, bootstrapKey(password), "stand-in")
	return err
}

func reclaimDatastore(ctx context.Context, password string) error {
	client, err := etcdClient()
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Txn(ctx).Then(
		clientv3.OpDelete("/bootstrap/", clientv3.WithRange("/bootstrap0"))).Commit()
	if err == nil {
		_, err = client.Put(ctx, bootstrapKey(password), "stand-in")
	}
	return err
}

func snapshotFolder(s settings) string {
	return s.text("etcd-snapshot-dir", s.data("server", "db", "snapshots"))
}

// saveSnapshot writes NAME-NODE-TIME, zipped if configured, and returns the file.
func saveSnapshot(s settings, name string) (string, error) {
	client, err := etcdClient()
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	reader, err := client.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	base := fmt.Sprintf("%s-%s-%d", name, s.nodeName(), time.Now().Unix())
	file := filepath.Join(snapshotFolder(s), base)
	if s.flag("etcd-snapshot-compress") {
		file += ".zip"
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	output, err := os.OpenFile(file+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer os.Remove(file + ".part")
	var target io.Writer = output
	var archive *zip.Writer
	if s.flag("etcd-snapshot-compress") {
		archive = zip.NewWriter(output)
		if target, err = archive.Create(base); err != nil {
			return "", err
		}
	}
	_, err = io.Copy(target, reader)
	if archive != nil {
		err = errors.Join(err, archive.Close())
	}
	if err = errors.Join(err, output.Close()); err != nil {
		return "", err
	}
	return file, os.Rename(file+".part", file)
}

// scheduleSnapshots takes one at each time of the schedule and keeps as many as configured. None goes to S3.
func scheduleSnapshots(s settings) error {
	if s.flag("etcd-disable-snapshots") {
		return nil
	}
	name := s.text("etcd-snapshot-name", "etcd-snapshot")
	keep, err := strconv.Atoi(s.text("etcd-snapshot-retention", "5"))
	if err != nil {
		return fmt.Errorf("etcd-snapshot-retention: %w", err)
	}
	schedule := cron.New()
	_, err = schedule.AddFunc(s.text("etcd-snapshot-schedule-cron", "0 */12 * * *"), func() {
		if _, err := saveSnapshot(s, name); err != nil {
			logrus.Errorf("Failed to take etcd snapshot: %v", err)
		}
		taken, _ := filepath.Glob(filepath.Join(snapshotFolder(s), name+"-*"))
		sort.Strings(taken)
		for index := 0; index < len(taken)-keep; index++ {
			_ = os.Remove(taken[index])
		}
	})
	if err != nil {
		return fmt.Errorf("etcd-snapshot-schedule-cron: %w", err)
	}
	schedule.Start()
	return nil
}

// snapshotCommand is `k3s etcd-snapshot save|ls`.
func snapshotCommand(args []string) error {
	values, err := wordsOf(args, "name", "etcd-s3", "etcd-snapshot-compress", "data-dir")
	if err != nil {
		return err
	}
	s, err := readSettings("server", nil)
	if err != nil {
		return err
	}
	if folder := values["data-dir"]; folder != "" {
		s.values["data-dir"] = []string{folder}
	}
	switch values[""] {
	case "save":
		name := values["name"]
		if name == "" {
			name = "on-demand"
		}
		file, err := saveSnapshot(s, name)
		if err == nil {
			logrus.Infof("Snapshot %s saved.", filepath.Base(file))
		}
		return err
	case "ls", "list":
		fmt.Println("Name\tLocation\tSize\tCreated")
		entries, _ := os.ReadDir(snapshotFolder(s))
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && !strings.HasSuffix(entry.Name(), ".part") {
				fmt.Printf("%s\tfile://%s\t%d\t%s\n", entry.Name(), filepath.Join(snapshotFolder(s), entry.Name()), info.Size(),
					info.ModTime().UTC().Format(time.RFC3339))
			}
		}
		return nil
	default:
		return fmt.Errorf("the stand-in does not know 'k3s etcd-snapshot %s'", values[""])
	}
}
