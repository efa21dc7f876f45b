package io.github.flashspring.engine.reading;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.reading.ReadRange.Urgency;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Which stretches are read as one, and that each gets its own bytes.
 */
class JoinedReadTests {

	private static final int PAGE = 4096;

	private static final long MOST = 16 * PAGE;

	private static final long MAX_ON_DEMAND = 8 * PAGE;

	private static final Path FILE = Path.of("model-1.safetensors");

	private final Arena arena = Arena.ofShared();

	/** Of each file. */
	private final byte[] content = new byte[64 * PAGE];

	private final Deque<ReadRange> queue = new ArrayDeque<>();

	@BeforeEach
	void fill() {
		new Random(3).nextBytes(this.content);
	}

	@AfterEach
	void close() {
		this.arena.close();
	}

	private BlockRead read(MemorySegment base, long offset, boolean onDemand, Path file, int... pages) {
		List<Block.Extent> extents = new ArrayList<>();
		long position = 0;
		for (int i = 0; i < pages.length; i += 2) {
			long length = (long) (pages[i + 1] - pages[i]) * PAGE;
			extents.add(new Block.Extent(file, (long) pages[i] * PAGE, length, position));
			position += length;
		}
		BlockRead read = new BlockRead(
				new Block(0, 0, onDemand ? Kind.EXPERT : Kind.LAYER, List.of(), extents, position), base, offset,
				Fence.DONE);
		extents.forEach((extent) -> this.queue.addLast(new ReadRange(read, extent, Urgency.NOW)));
		return read;
	}

	/** A block on demand, in memory of its own. */
	private BlockRead expert(Path file, int... pages) {
		long bytes = 0;
		for (int i = 0; i < pages.length; i += 2) {
			bytes += (long) (pages[i + 1] - pages[i]) * PAGE;
		}
		return read(this.arena.allocate(bytes, PAGE), 0, true, file, pages);
	}

	private BlockRead expert(int... pages) {
		return expert(FILE, pages);
	}

	/** Reads what is taken, and requires that each stretch has its bytes then. */
	private JoinedRead take() {
		JoinedRead read = JoinedRead.take(this.queue, MOST, MAX_ON_DEMAND);
		int at = (int) read.offset();
		for (MemorySegment target : read.targets()) {
			int length = (int) target.byteSize();
			target.copyFrom(MemorySegment.ofArray(this.content).asSlice(at, length));
			at += length;
		}
		read.share();
		assertThat(read.length()).isEqualTo(at - read.offset());
		long bytes = 0;
		for (int i = 0; i < read.ranges().size(); i++) {
			ReadRange range = read.ranges().get(i);
			bytes += read.bytes(i);
			assertThat(range.memory(range.from(), range.to()).toArray(ValueLayout.JAVA_BYTE))
				.containsExactly(Arrays.copyOfRange(this.content, (int) range.from(), (int) range.to()));
		}
		assertThat(bytes).as("each byte is somebody's").isEqualTo(read.length());
		return read;
	}

	private static List<BlockRead> loads(JoinedRead read) {
		return read.ranges().stream().map(ReadRange::read).toList();
	}

	@Test
	void neighboursOnDemandAreReadAsOneWhereverTheyGo() {
		BlockRead second = expert(12, 14);
		BlockRead apart = expert(20, 21);
		BlockRead first = expert(10, 12);
		BlockRead third = expert(14, 15);
		JoinedRead read = take();
		assertThat(loads(read)).containsExactly(first, second, third);
		assertThat(read.offset()).isEqualTo(10 * PAGE);
		assertThat(read.length()).isEqualTo(5 * PAGE);
		assertThat(read.targets()).hasSize(3);
		assertThat(this.queue).extracting(ReadRange::read).containsExactly(apart);
	}

	@Test
	void tensorsOfNeighboursAreEachReadAsOne() {
		BlockRead first = expert(0, 2, 10, 11, 20, 22);
		BlockRead second = expert(2, 4, 11, 12, 22, 24);
		for (int i = 0; i < 3; i++) {
			assertThat(loads(take())).containsExactly(first, second);
		}
		assertThat(this.queue).isEmpty();
	}

	@Test
	void blocksThatNeighboursShareAreReadOnceAndCopied() {
		BlockRead first = expert(0, 3);
		BlockRead inside = expert(2, 3);
		BlockRead next = expert(2, 5);
		BlockRead last = expert(4, 6);
		JoinedRead read = take();
		assertThat(loads(read)).containsExactlyInAnyOrder(first, inside, next, last);
		assertThat(read.length()).isEqualTo(6 * PAGE);
	}

	@Test
	void aGapOrAnotherFileIsNotReadAcross() {
		BlockRead first = expert(0, 2);
		BlockRead behindAGap = expert(3, 4);
		BlockRead elsewhere = expert(Path.of("model-2.safetensors"), 2, 3);
		assertThat(loads(take())).containsExactly(first);
		assertThat(loads(take())).containsExactly(behindAGap);
		assertThat(loads(take())).containsExactly(elsewhere);
	}

	@Test
	void neighboursAreJoinedUpToTheLongestRead() {
		BlockRead first = expert(0, 3);
		BlockRead second = expert(3, 6);
		BlockRead third = expert(6, 9);
		assertThat(loads(take())).containsExactly(first, second);
		assertThat(loads(take())).containsExactly(third);
	}

	@Test
	void partsOfOneBlockStayApart() {
		BlockRead cut = read(this.arena.allocate(4 * PAGE, PAGE), 0, true, FILE, 0, 2, 2, 4);
		assertThat(loads(take())).containsExactly(cut);
		assertThat(loads(take())).containsExactly(cut);
	}

	@Test
	void whatIsToBeReadByItselfIs() {
		BlockRead first = expert(0, 1);
		expert(1, 2);
		this.queue.addFirst(this.queue.removeFirst().retried());
		assertThat(loads(take())).containsExactly(first);
		this.queue.addLast(new ReadRange(first, first.block().extents().getFirst(), Urgency.NOW, true));
		assertThat(loads(take())).hasSize(1);
		assertThat(loads(take())).containsExactly(first);
	}

	@Test
	void blocksOfEveryPassAreJoinedWhereTheyFollowInMemoryToo() {
		MemorySegment ring = this.arena.allocate(32 * PAGE, PAGE);
		BlockRead first = read(ring, 0, false, FILE, 0, 5);
		BlockRead second = read(ring, 5 * PAGE, false, FILE, 5, 10);
		BlockRead elsewhere = read(ring, 20 * PAGE, false, FILE, 10, 12);
		JoinedRead read = take();
		assertThat(loads(read)).containsExactly(first, second);
		assertThat(read.targets()).singleElement().satisfies((target) -> {
			assertThat(target.address()).isEqualTo(ring.address());
			assertThat(target.byteSize()).isEqualTo(10 * PAGE);
		});
		assertThat(loads(take())).containsExactly(elsewhere);
	}

	@Test
	void blocksOfEveryPassKeepTheirOrder() {
		MemorySegment ring = this.arena.allocate(32 * PAGE, PAGE);
		BlockRead first = read(ring, 0, false, FILE, 0, 1);
		BlockRead between = read(ring, 8 * PAGE, false, FILE, 40, 41);
		BlockRead behind = read(ring, PAGE, false, FILE, 1, 2);
		assertThat(loads(take())).containsExactly(first);
		assertThat(loads(take())).containsExactly(between);
		assertThat(loads(take())).containsExactly(behind);
	}

}
