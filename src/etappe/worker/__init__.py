"""What happens behind the answers: archiving streams, folding tails, compiling the catalogue."""
