// Reads pods as JSON, one a line, and prints for each the checks of Pod Security Admission that refuse it:
// {"baseline":["hostPorts"],"restricted":["hostPorts","runAsNonRoot"]}
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kubernetesjson "sigs.k8s.io/json"
)

func main() {
	evaluator, err := policy.NewEvaluator(namedChecks(), nil)
	fatalIf(err)
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		pod, answer := read(lines.Bytes()), map[api.Level][]string{}
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			answer[level] = []string{}
			latest := api.LevelVersion{Level: level, Version: api.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(latest, &pod.ObjectMeta, &pod.Spec) {
				if !result.Allowed {
					answer[level] = append(answer[level], result.ForbiddenReason)
				}
			}
		}
		fatalIf(answers.Encode(answer))
	}
	fatalIf(lines.Err())
}

// namedChecks returns the checks, which give their id as the reason: results do not name the check.
func namedChecks() []policy.Check {
	checks := policy.DefaultChecks()
	for _, check := range checks {
		for i, version := range check.Versions {
			check.Versions[i].CheckPod = func(metadata *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
				result := version.CheckPod(metadata, spec)
				result.ForbiddenReason = string(check.ID)
				return result
			}
		}
	}
	return checks
}

// read parses a pod as API servers do, with the one default that a check sees: a volume without a source is an emptyDir.
func read(line []byte) *corev1.Pod {
	pod := &corev1.Pod{}
	unknown, err := kubernetesjson.UnmarshalStrict(line, pod)
	fatalIf(err)
	if len(unknown) > 0 {
		log.Fatalf("%v: %s", unknown, line)
	}
	for i := range pod.Spec.Volumes {
		if source := &pod.Spec.Volumes[i].VolumeSource; *source == (corev1.VolumeSource{}) {
			source.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return pod
}

func fatalIf(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
