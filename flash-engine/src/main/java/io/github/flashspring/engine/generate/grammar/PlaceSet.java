package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/** A set of places of a {@link Program} with their stacks. */
final class PlaceSet {

	private int[] places = new int[8];

	private @Nullable Frame[] stacks = new Frame[8];

	/** Index + 1 of an entry, by hash; empty while there are few. */
	private int[] table = {};

	private int size;

	boolean add(int place, @Nullable Frame stack) {
		if (this.table.length == 0) {
			for (int i = 0; i < this.size; i++) {
				if (this.places[i] == place && Frame.same(this.stacks[i], stack)) {
					return false;
				}
			}
		}
		else if (!insert(place, stack, this.size)) {
			return false;
		}
		if (this.size == this.places.length) {
			this.places = Arrays.copyOf(this.places, 2 * this.size);
			this.stacks = Arrays.copyOf(this.stacks, 2 * this.size);
		}
		this.places[this.size] = place;
		this.stacks[this.size++] = stack;
		if (this.size >= 8 && 2 * this.size > this.table.length) {
			this.table = new int[8 * this.size];
			for (int i = 0; i < this.size; i++) {
				insert(this.places[i], this.stacks[i], i);
			}
		}
		return true;
	}

	private boolean insert(int place, @Nullable Frame stack, int index) {
		int hash = (place * 31 + Frame.hash(stack)) * 0x9e3779b9;
		int slot = Math.floorMod(hash ^ hash >>> 16, this.table.length);
		while (this.table[slot] != 0) {
			int found = this.table[slot] - 1;
			if (this.places[found] == place && Frame.same(this.stacks[found], stack)) {
				return false;
			}
			slot = (slot + 1 == this.table.length) ? 0 : slot + 1;
		}
		this.table[slot] = index + 1;
		return true;
	}

}
