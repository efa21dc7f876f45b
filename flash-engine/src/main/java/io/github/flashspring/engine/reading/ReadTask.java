package io.github.flashspring.engine.reading;

/** What a reader does at once. */
sealed interface ReadTask permits JoinedRead, RowBatch.Task {

}
