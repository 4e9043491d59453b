// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Random numbers for what needs one often, such as every span: an atomic addition and a few multiplications, without
/// lock, allocation or system call.
///
/// A draw takes the next number of one counter. Each of its three words is that number through SplitMix64, between two
/// keys from getrandom(2): `outer ^ mix(inner + number * golden)`. This is a bijection, so a word comes again only
/// after 2^64 draws. Two words together depend on 128 random bits, so two processes do not meet either. Words do
/// not show at a glance which ones are of one process. They are not for secrets.
///
/// There is one sequence for a process, not one for a thread. Memory of a thread costs a call for each use in a library
/// that was opened by dlopen(3), and its first use allocates. Threads that record spans already meet at the state word
/// of the segment.
///
/// A child never has its parent's words: counter and keys are in a page that the kernel gives to a child as zeroes
/// (MADV_WIPEONFORK), by whatever call the child was made, and a child without keys takes new ones. A kernel that
/// refuses to do so (before Linux 4.14) is asked for each word instead.
struct RandomSequence {
    private let page: UnsafeMutableRawPointer

    private static let state = 0
    private static let counter = 8
    private static let keys = 16
    private static let size = keys + 6 * 8

    private static let isEmpty: UInt64 = 0
    private static let isBeingFilled: UInt64 = 1
    private static let isReady: UInt64 = 2

    /// Nil: there is no memory that is wiped in a child.
    init?() {
        guard let page = Mapping.wipedOnFork(Self.size) else { return nil }
        self.page = page
    }

    private init(at page: UnsafeMutableRawPointer) { self.page = page }

    /// Nothing may use it any more.
    func remove() { Mapping.remove(page, Self.size) }

    // MARK: the process's own

    /// Three independent words.
    @inline(__always)
    static func words() -> (UInt64, UInt64, UInt64) {
        guard let sequence = current else { return kernelWords() }
        return sequence.words()
    }

    /// The third of three words.
    @inline(__always)
    static func word() -> UInt64 {
        guard let sequence = current else { return kernelWord() }
        return sequence.word()
    }

    @inline(__always)
    private static var current: RandomSequence? {
        let known = csystem_sequence_state()
        if known > 1 { return UnsafeMutableRawPointer(bitPattern: known).map { RandomSequence(at: $0) } }
        return known == 0 ? first() : nil
    }

    @inline(never)
    private static func first() -> RandomSequence? {
        let made = RandomSequence()
        let address = made.map { UInt(bitPattern: $0.page) } ?? 1
        let kept = csystem_keep_sequence(address)
        if kept != address { made?.remove() }
        return kept > 1 ? UnsafeMutableRawPointer(bitPattern: kept).map { RandomSequence(at: $0) } : nil
    }

    // MARK: drawing

    @inline(__always)
    func words() -> (UInt64, UInt64, UInt64) {
        guard isFilled || fill() else { return Self.kernelWords() }
        let number = next()
        return (word(0, number), word(1, number), word(2, number))
    }

    @inline(__always)
    func word() -> UInt64 {
        guard isFilled || fill() else { return Self.kernelWord() }
        return word(2, next())
    }

    @inline(__always)
    private func next() -> UInt64 {
        atomic(Self.counter).pointee.wrappingAdd(1, ordering: .relaxed).oldValue &* SplitMix64.golden
    }

    @inline(__always)
    private func word(_ lane: Int, _ number: UInt64) -> UInt64 {
        key(2 &* lane &+ 1) ^ SplitMix64.mix(key(2 &* lane) &+ number)
    }

    // MARK: keys

    @inline(__always)
    private var isFilled: Bool { atomic(Self.state).pointee.load(ordering: .acquiring) == Self.isReady }

    /// False: another thread is filling it.
    @inline(never)
    private func fill() -> Bool {
        let (isMine, seen) = atomic(Self.state).pointee.compareExchange(
            expected: Self.isEmpty, desired: Self.isBeingFilled, ordering: .acquiringAndReleasing)
        guard isMine else { return seen == Self.isReady }
        Random.fill(UnsafeMutableRawBufferPointer(start: page + Self.keys, count: Self.size - Self.keys))
        // Where getrandom(2) is forbidden, processes still differ.
        setKey(0, key(0) ^ SplitMix64.mix(UInt64(bitPattern: Clock.realtime())))
        setKey(2, key(2) ^ SplitMix64.mix(UInt64(truncatingIfNeeded: getpid()) << 32 ^ UInt64(UInt(bitPattern: page))))
        setKey(4, key(4) ^ SplitMix64.mix(UInt64(bitPattern: Clock.monotonic())))
        atomic(Self.state).pointee.store(Self.isReady, ordering: .releasing)
        return true
    }

    @inline(never)
    private static func kernelWord() -> UInt64 {
        Random.word() ^ SplitMix64.mix(UInt64(bitPattern: Clock.monotonic()))
    }

    private static func kernelWords() -> (UInt64, UInt64, UInt64) { (kernelWord(), kernelWord(), kernelWord()) }

    @inline(__always)
    private func key(_ index: Int) -> UInt64 { page.load(fromByteOffset: Self.keys &+ 8 &* index, as: UInt64.self) }

    private func setKey(_ index: Int, _ value: UInt64) {
        page.storeBytes(of: value, toByteOffset: Self.keys &+ 8 &* index, as: UInt64.self)
    }

    @inline(__always)
    private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (page + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
