#!/usr/bin/env Rscript
# Predict from what `voxgene inspect BUNDLE --export model.json` wrote. Needs base R and jsonlite.
#
#     Rscript voxgene_reader.R model.json table.csv [365.25,730.5] > predictions.csv
#
# The third argument lists times of survival in the unit of the outcome. The table has a header; its columns are found by their full name
# (source.column) or their bare one.

# The export in a file. Nothing is simplified, so that a list of one stays a list.
load_export <- function(path) {
  model <- jsonlite::fromJSON(path, simplifyVector = FALSE)
  if (!identical(as.integer(model$voxgene_export), 1L)) stop(path, ": not an export of format 1")
  model
}

num <- function(x) vapply(x, as.numeric, 0)

# The numbers that stand for a column of texts: of categories the index of the level from 0, -1 for one that training had not seen.
values <- function(spec, text, missing) {
  text <- trimws(text)
  text[is.na(text) | text %in% missing] <- NA
  if (spec$kind == "numeric") return(as.numeric(text))
  levels <- unlist(spec$levels)
  number <- suppressWarnings(as.numeric(text))
  text <- ifelse(text %in% levels | is.na(number), text, format(number, digits = 15, trim = TRUE)) # 1.0 is the level 1
  ifelse(is.na(text), NA, match(text, levels, nomatch = 0) - 1)
}

# The columns that an outcome's steps read, in their order, as a list of vectors.
inputs <- function(outcome, table, missing) {
  found <- lapply(outcome$inputs, function(s) {
    name <- if (s$name %in% names(table)) s$name else s$bare
    if (name %in% names(table)) values(s, table[[name]], missing)
  })
  there <- !vapply(found, is.null, TRUE)
  source <- vapply(outcome$inputs, function(s) s$source, "")
  for (j in which(!there)) { # a source may be absent as a whole
    if (source[j] %in% source[there]) stop("the table has no column ", outcome$inputs[[j]]$name, "; leave cells blank where a value is not known")
    found[[j]] <- rep(NA_real_, nrow(table))
  }
  found
}

yeo_johnson <- function(x, p) {
  up <- if (abs(p) < 1e-12) log1p(pmax(x, 0)) else expm1(p * log1p(pmax(x, 0))) / p
  down <- if (abs(p - 2) < 1e-12) -log1p(pmax(-x, 0)) else -expm1((2 - p) * log1p(pmax(-x, 0))) / (2 - p)
  ifelse(x >= 0, up, down)
}

# The normal quantile of the place of each x among the quantiles of the training values.
rank_score <- function(x, grid) {
  n <- length(grid)
  if (n < 2) return(ifelse(is.na(x), NA, 0))
  place <- function(v) {
    if (is.na(v)) return(NA_real_)
    above <- sum(grid <= v)
    first <- sum(grid < v)
    if (first < above) (first + above - 1) / 2
    else if (above == 0) 0
    else if (above == n) n - 1
    else above - 1 + (v - grid[above]) / (grid[above + 1] - grid[above])
  }
  qnorm(pmax(0.005, pmin(0.995, vapply(x, place, 0) / (n - 1))))
}

# One formula of a step on the columns that reach it.
apply_formula <- function(f, columns) {
  if (f$op == "sum") {
    return(Reduce(`+`, Map(function(j, c, w) w * (columns[[j + 1]] - c), num(f$columns), num(f$centres), num(f$weights))))
  }
  x <- columns[[f$column + 1]]
  if (isTRUE(f$ordinal)) x[!is.na(x) & x < 0] <- NA
  switch(f$op,
    copy = x,
    fill = ifelse(is.na(x), f$fill, x),
    level = ifelse(is.na(x), NA, as.numeric(x == f$level)),
    scale = (x - f$centre) / f$spread,
    log = sign(x) * log1p(abs(x)),
    yeo_johnson = yeo_johnson(x, f$power),
    rank = rank_score(x, num(f$grid)),
    stop("unknown operation ", f$op))
}

softmax <- function(m) {
  e <- exp(m - apply(m, 1, max))
  e / rowSums(e)
}

# A calibration curve: logistic, or linear between knots and held beyond.
curve_at <- function(c, score) {
  if (is.null(c$knots)) return(plogis(c$intercept + c$slope * score))
  if (length(c$knots) == 1) return(rep(num(c$values), length(score)))
  approx(num(c$knots), num(c$values), score, rule = 2)$y
}

# The probabilities of the classes, a row a patient.
probabilities <- function(model, x) {
  base <- if (model$kind == "calibrated") model$base else model
  margins <- do.call(cbind, Map(function(a, b) a + drop(x %*% num(b)), num(base$intercepts), base$coefficients))
  two <- ncol(margins) == 1
  if (model$kind != "calibrated") return(if (two) cbind(1 - plogis(margins), plogis(margins)) else softmax(margins))
  if (two) {
    p <- curve_at(model$curves[[1]], margins[, 1])
    return(cbind(1 - p, p))
  }
  if (model$method == "temperature") return(softmax(model$curves[[1]]$slope * margins))
  p <- do.call(cbind, lapply(seq_along(model$curves), function(k) curve_at(model$curves[[k]], margins[, k])))
  total <- rowSums(p)
  p[total > 0, ] <- p[total > 0, ] / total[total > 0]
  p[total == 0, ] <- 1 / ncol(p)
  p
}

# Log-hazard, median and S at times, a row a patient; NA beyond the follow-up.
survival <- function(model, x, times, limit) {
  risk <- drop(sweep(x, 2, num(model$means)) %*% num(model$coefficients))
  t <- num(model$times)
  h <- num(model$baseline_cumulative_hazard)
  median <- vapply(exp(risk), function(hazard) c(t[h >= log(2) / hazard], NA)[1], 0)
  out <- cbind(risk = risk, median = ifelse(median <= limit, median, NA))
  for (at in times) {
    s <- if (at > min(limit, model$follow_up)) NA else exp(-max(0, h[t <= at]) * exp(risk))
    out <- cbind(out, s)
    colnames(out)[ncol(out)] <- paste0("survival.", format(at))
  }
  out
}

# The predictions of all outcomes for the rows of a table of texts.
predict_export <- function(export, table, times = numeric(0)) {
  missing <- unlist(export$missing)
  parts <- lapply(export$outcomes, function(o) {
    columns <- inputs(o, table, missing)
    for (step in o$steps) columns <- lapply(step$columns, apply_formula, columns)
    x <- do.call(cbind, columns)
    if (anyNA(x)) stop("outcome ", o$name, ": a value is missing and no step fills it")
    if (o$kind == "class") {
      p <- probabilities(o$model, x)
      colnames(p) <- paste0("probability.", unlist(o$model$classes))
    } else {
      p <- survival(o$model, x, times, o$limit)
    }
    colnames(p) <- paste0(o$name, ".", colnames(p))
    p
  })
  do.call(cbind, parts)
}

if (sys.nframe() == 0) {
  args <- commandArgs(trailingOnly = TRUE)
  table <- read.csv(args[2], colClasses = "character", check.names = FALSE, na.strings = character(0))
  times <- if (length(args) > 2) as.numeric(strsplit(args[3], ",")[[1]]) else numeric(0)
  p <- predict_export(load_export(args[1]), table, times)
  patient <- if ("patient" %in% names(table)) table$patient else seq_len(nrow(table))
  text <- ifelse(is.na(p), "", formatC(p, digits = 17, width = 1, format = "g"))
  write.csv(cbind(patient = patient, text), quote = c(1), row.names = FALSE)
}
