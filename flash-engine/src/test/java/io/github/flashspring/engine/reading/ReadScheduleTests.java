package io.github.flashspring.engine.reading;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** Order of reads, without files, threads or locks. */
class ReadScheduleTests {

	private static final int PAGE = 4096;

	private static final Path FILE = Path.of("model.safetensors");

	private static final RuntimeException FAILURE = new UncheckedIOException(new IOException("Input/output error"));

	private final Arena arena = Arena.ofShared();

	private final ReadSchedule schedule = new ReadSchedule(16 * PAGE, (file) -> PAGE);

	@AfterEach
	void close() {
		this.arena.close();
	}

	private BlockRead block(Kind kind, int page, int pages) {
		long bytes = (long) pages * PAGE;
		Block block = new Block(page, page, kind, List.of(),
				List.of(new Block.Extent(FILE, (long) page * PAGE, bytes, 0)), bytes);
		return new BlockRead(block, this.arena.allocate(bytes, PAGE), 0, Fence.DONE);
	}

	private BlockRead added(Kind kind, int page, int pages, Urgency urgency) {
		BlockRead read = block(kind, page, pages);
		this.schedule.add(read, urgency);
		return read;
	}

	private List<BlockRead> take() {
		return this.schedule.take().ranges().stream().map(ReadRange::read).toList();
	}

	private List<BlockRead> end(JoinedRead joined, @Nullable RuntimeException failure) {
		return this.schedule.ended(joined, failure, true);
	}

	@Test
	void urgentRangesComeBeforeThoseThatWereAddedEarlier() {
		BlockRead likely = added(Kind.EXPERT, 0, 1, Urgency.LIKELY);
		BlockRead ahead = added(Kind.LAYER, 10, 1, Urgency.AHEAD);
		BlockRead second = added(Kind.EXPERT, 30, 1, Urgency.NOW);
		BlockRead third = added(Kind.EXPERT, 20, 1, Urgency.NOW);
		assertThat(this.schedule.isUrgent()).isTrue();
		assertThat(take()).containsExactly(second);
		assertThat(take()).containsExactly(third);
		assertThat(this.schedule.isUrgent()).isFalse();
		assertThat(take()).containsExactly(ahead);
		assertThat(take()).containsExactly(likely);
		assertThatIllegalStateException().isThrownBy(this.schedule::take);
	}

	@Test
	void promotedBlocksComeBehindUrgentOnes() {
		BlockRead ahead = added(Kind.LAYER, 10, 1, Urgency.AHEAD);
		BlockRead promoted = added(Kind.LAYER, 20, 1, Urgency.AHEAD);
		BlockRead urgent = added(Kind.LAYER, 30, 1, Urgency.NOW);
		this.schedule.promote(promoted);
		assertThat(this.schedule.size()).isEqualTo(3);
		assertThat(take()).containsExactly(urgent);
		assertThat(take()).containsExactly(promoted);
		assertThat(take()).containsExactly(ahead);
	}

	@Test
	void longBlocksOnDemandAreSharedByReaders() {
		BlockRead read = added(Kind.EXPERT, 0, 3 * 256, Urgency.NOW);
		assertThat(this.schedule.size()).isEqualTo(3);
		for (int i = 0; i < 3; i++) {
			assertThat(read.underWay()).isTrue();
			List<BlockRead> ended = end(this.schedule.take(), null);
			assertThat(ended).isEqualTo((i < 2) ? List.of() : List.of(read));
		}
		assertThat(read.ready()).isTrue();
	}

	@Test
	void cancelledBlockThatNobodyReadsIsNotUnderWay() {
		BlockRead read = added(Kind.EXPERT, 0, 3 * 256, Urgency.LIKELY);
		assertThat(this.schedule.cancel(read)).isEqualTo(3 * 256 * PAGE);
		assertThat(this.schedule.size()).isZero();
		assertThat(read.underWay()).isFalse();
		assertThat(this.schedule.cancel(read)).isZero();
	}

	@Test
	void cancelledBlockFailsOnceItsLastReadEnds() {
		BlockRead read = added(Kind.EXPERT, 0, 2 * 256, Urgency.LIKELY);
		JoinedRead first = this.schedule.take();
		assertThat(this.schedule.cancel(read)).isEqualTo(256 * PAGE);
		assertThat(read.underWay()).isTrue();
		assertThat(end(first, null)).containsExactly(read);
		assertThat(read.ready()).isFalse();
		assertThat(read.failed()).isTrue();
	}

	@Test
	void retriedBlockReadsOnlyWhatHasFailed() {
		BlockRead read = added(Kind.EXPERT, 0, 2 * 256, Urgency.NOW);
		JoinedRead first = this.schedule.take();
		JoinedRead second = this.schedule.take();
		end(first, null);
		assertThat(end(second, FAILURE)).containsExactly(read);
		assertThat(read.progress().failure()).isSameAs(FAILURE);
		this.schedule.retry(read);
		JoinedRead again = this.schedule.take();
		assertThat(again.offset()).isEqualTo(second.offset());
		assertThat(this.schedule.size()).isZero();
		assertThat(end(again, null)).containsExactly(read);
		assertThat(read.ready()).isTrue();
	}

	@Test
	void rangesThatFailTogetherAreTriedAgainOneByOne() {
		BlockRead first = added(Kind.EXPERT, 0, 1, Urgency.NOW);
		BlockRead second = added(Kind.EXPERT, 1, 1, Urgency.NOW);
		JoinedRead both = this.schedule.take();
		assertThat(both.ranges()).hasSize(2);
		assertThat(end(both, FAILURE)).isEmpty();
		JoinedRead one = this.schedule.take();
		JoinedRead other = this.schedule.take();
		assertThat(List.of(one, other)).allMatch((joined) -> joined.ranges().size() == 1);
		assertThat(end(one, FAILURE)).hasSize(1);
		assertThat(end(other, null)).hasSize(1);
		assertThat(List.of(first.ready(), second.ready())).containsExactlyInAnyOrder(true, false);
	}

	@Test
	void rangesAreNotTriedAgainWhilePausedOrDropped() {
		BlockRead first = added(Kind.EXPERT, 0, 1, Urgency.NOW);
		BlockRead second = added(Kind.EXPERT, 1, 1, Urgency.NOW);
		assertThat(this.schedule.ended(this.schedule.take(), FAILURE, false)).containsExactly(first, second);
		BlockRead third = added(Kind.EXPERT, 2, 1, Urgency.NOW);
		BlockRead fourth = added(Kind.EXPERT, 3, 1, Urgency.NOW);
		third.drop();
		assertThat(end(this.schedule.take(), FAILURE)).containsExactly(third);
		assertThat(take()).containsExactly(fourth);
	}

	@Test
	void rowsAfterCloseFailAtOnce() {
		RowBatch before = batch();
		this.schedule.addRows(before);
		this.schedule.close(FAILURE);
		RowBatch after = batch();
		this.schedule.addRows(after);
		assertThat(this.schedule.takeRow()).isNull();
		for (RowBatch batch : List.of(before, after)) {
			assertThat(org.assertj.core.api.Assertions.catchThrowable(batch::await)).isSameAs(FAILURE);
		}
	}

	private RowBatch batch() {
		return new RowBatch(List.of(new RowBatch.Row(0, FILE, 0, MemorySegment.ofArray(new byte[8]))));
	}

}
