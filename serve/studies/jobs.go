package studies

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/voxgene/voxgene/serve/problem"
	"github.com/voxgene/voxgene/serve/seal"
)

// kept is how long the answer of a job can be fetched.
const kept = time.Hour

// job is one study that is worked on.
type job struct {
	id, who, model string
	done           chan struct{} // closed once answer or err is there
	answer         []byte
	err            error
	cancel         context.CancelFunc

	mu       sync.Mutex
	stage    string
	step, of int
}

// panicked is a fault of ours, with where it was. A stack holds no text of what was sent.
type panicked string

func (p panicked) Error() string { return string(p) }

// at notes how far the job came.
func (j *job) at(stage string, step, of int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stage, j.step, j.of = stage, step, of
}

// description is what a client is told of a job.
type description struct {
	Job      string           `json:"job"`
	Status   string           `json:"status"` // waiting, running, done, failed
	Stage    string           `json:"stage,omitempty"`
	Progress float64          `json:"progress"` // from 0 to 1
	Answer   json.RawMessage  `json:"answer,omitempty"`
	Problem  *problem.Problem `json:"problem,omitempty"`
}

func (j *job) describe() description {
	j.mu.Lock()
	d := description{Job: j.id, Status: "running", Stage: j.stage, Progress: float64(j.step) / float64(max(j.of, 1))}
	j.mu.Unlock()
	if d.Stage == "" {
		d.Status = "waiting"
	}
	select {
	case <-j.done:
	default:
		return d
	}
	if d.Status, d.Progress, d.Answer = "done", 1, j.answer; j.err != nil {
		p, _ := asProblem(j.err)
		d.Status, d.Progress, d.Problem = "failed", 0, &p
	}
	return d
}

// jobs are the studies under way and those just finished.
type jobs struct {
	limits  Limits
	slots   chan struct{} // those that arrive, wait or run
	running chan struct{}
	ctx     context.Context
	stop    context.CancelFunc
	wait    sync.WaitGroup

	mu   sync.Mutex
	byID map[string]*job
}

func newJobs(l Limits) *jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &jobs{limits: l, slots: make(chan struct{}, l.Waiting+l.Running), running: make(chan struct{}, l.Running), ctx: ctx, stop: stop, byID: map[string]*job{}}
}

// reserve takes a place for a study before its body is read; free gives it back.
func (js *jobs) reserve() (free func(), err error) {
	select {
	case js.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-js.slots }), nil
	default:
		return nil, problem.New(http.StatusTooManyRequests, fmt.Sprintf("%d studies are worked on or wait; try again", cap(js.slots)))
	}
}

// start begins a job when its turn comes. values are those of the request that it came with.
func (js *jobs) start(who, model string, do func(context.Context, *job) ([]byte, error), values context.Context) *job {
	ctx, cancel := context.WithTimeout(values, js.limits.Timeout)
	stop := context.AfterFunc(js.ctx, cancel)
	j := &job{id: hex.EncodeToString(seal.Random(16)), who: who, model: model, done: make(chan struct{}), cancel: cancel}
	js.mu.Lock()
	js.byID[j.id] = j
	js.mu.Unlock()
	js.wait.Go(func() {
		defer stop()
		defer cancel()
		defer time.AfterFunc(kept, func() {
			js.mu.Lock()
			defer js.mu.Unlock()
			delete(js.byID, j.id)
		})
		defer close(j.done)
		defer func() {
			if e := recover(); e != nil {
				j.err = panicked(fmt.Sprintf("panic of type %T at %s", e, debug.Stack()))
			}
		}()
		js.running <- struct{}{}
		defer func() { <-js.running }()
		j.at("reading", 0, 1)
		j.answer, j.err = do(ctx, j)
	})
	return j
}

func (js *jobs) find(id string) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	return js.byID[id]
}

func (js *jobs) close() {
	js.stop()
	js.wait.Wait()
}
