"""Operations timed beside a reference and a floor of the same machine."""
