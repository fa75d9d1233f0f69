# Times glmnet and survival, and writes what they read for Go's benchmarks. Usage: Rscript peer.R FOLDER
# The data are those of normal columns, 40 (20 for times) of which act; times are exponential, cut to tenths so that they tie.
suppressMessages({library(glmnet); library(survival)})
out <- commandArgs(TRUE)[1]
dir.create(out, FALSE, TRUE)
put <- function(name, v) { f <- file(file.path(out, paste0(name, ".f64")), "wb"); writeBin(as.double(v), f); close(f); invisible(v) }
columns <- function(n, p, seed, k) {
  set.seed(seed); X <- matrix(rnorm(n * p), n, p); b <- numeric(p); b[sample(p, k)] <- rnorm(k, 0, .5)
  list(X = X, eta = drop(X %*% b))
}
times <- function(n, p) {
  d <- columns(n, p, 2, min(20, p)); t <- rexp(n, exp(d$eta) / 30); c <- rexp(n, 1 / 30)
  c(d, list(time = ceiling(pmin(t, c) * 10) / 10, status = as.numeric(t <= c)))
}
timed <- function(name, score, f) {
  cpu <- wall <- c()
  for (i in 1:3) { t0 <- proc.time(); r <- f(); d <- proc.time() - t0; cpu <- c(cpu, d[[1]] + d[[2]]); wall <- c(wall, d[[3]]) }
  cat(sprintf("%-24s cpu %.3f s  wall %.3f s  %s\n", name, median(cpu), median(wall), score(r)))
}
path <- function(r) sprintf("deviance ratio %.4f at the last of %d lambda", tail(r$dev.ratio, 1), length(r$lambda))
d <- columns(500, 20000, 1, 40); y <- rbinom(500, 1, plogis(d$eta)); put("binomial_x", d$X); put("binomial_y", y)
timed("PathBinomial", path, function() glmnet(d$X, y, family = "binomial", alpha = .5))
timed("CrossValidateBinomial", function(r) sprintf("deviance %.4f", min(r$cvm)), function() cv.glmnet(d$X, y, family = "binomial", alpha = .5))
d <- columns(500, 20000, 3, 40); y <- findInterval(d$eta + rlogis(500), c(-2, 2)); put("multinomial_x", d$X); put("multinomial_y", y)
timed("PathMultinomial", path, function() glmnet(d$X, y, family = "multinomial", alpha = .5))
d <- times(500, 20000); put("cox_x", d$X); put("cox_time", d$time); put("cox_status", d$status)
timed("PathCox", path, function() glmnet(d$X, Surv(d$time, d$status), family = "cox", alpha = .5))
d <- times(24950, 20); put("coxph_x", d$X); put("coxph_time", d$time); put("coxph_status", d$status)
timed("CoxEfron", function(r) sprintf("log-likelihood %.6f", r$loglik[2]), function() coxph(Surv(d$time, d$status) ~ d$X))
put("coxph_eta", d$eta)
timed("Concordance", function(r) sprintf("C %.9f", r), function() concordance(Surv(d$time, d$status) ~ d$eta, reverse = TRUE)$concordance)
